# Recipes of one word; `.ci/do NAME` does the same without just.

_default:
    @.ci/do help

# Every test of the workspace
test *ARGS:
    .ci/do test {{ARGS}}

# Format and clippy, warnings denied
lint:
    .ci/do lint

# The crates' documentation, warnings denied
docs *ARGS:
    .ci/do docs {{ARGS}}

# Circles among modules, wildcards, long files, large structs
shape:
    .ci/do shape

# Benchmarks, all or one
bench NAME="":
    .ci/do bench {{NAME}}

# Every fuzz target for so many seconds
fuzz SECONDS="60":
    .ci/do fuzz {{SECONDS}}

# Random and exhaustive searches with fresh seeds for so many minutes
long MINUTES="10":
    .ci/do long {{MINUTES}}

# A group goes through every membership event
demo SUITE="gdh":
    .ci/do demo {{SUITE}}

# Everything that must hold before a change lands
ci *ARGS:
    .ci/do ci {{ARGS}}
