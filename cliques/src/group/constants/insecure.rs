//! Groups for test vectors and for comparison with old measurements. None of them is secure.

/// p of the toy group; generator 4.
pub(crate) const TOY17_P: &[u64] = &[0x0000_0000_0001_fd3f];

/// RFC 2409, section 6.2 (Oakley group 2); generator 2.
pub(crate) const MODP1024_P: &[u64] = &[
    0xffff_ffff_ffff_ffff,
    0xc90f_daa2_2168_c234,
    0xc4c6_628b_80dc_1cd1,
    0x2902_4e08_8a67_cc74,
    0x020b_bea6_3b13_9b22,
    0x514a_0879_8e34_04dd,
    0xef95_19b3_cd3a_431b,
    0x302b_0a6d_f25f_1437,
    0x4fe1_356d_6d51_c245,
    0xe485_b576_625e_7ec6,
    0xf44c_42e9_a637_ed6b,
    0x0bff_5cb6_f406_b7ed,
    0xee38_6bfb_5a89_9fa5,
    0xae9f_2411_7c4b_1fe6,
    0x4928_6651_ece6_5381,
    0xffff_ffff_ffff_ffff,
];

/// p of the 512-bit group, derived from the seed strings `ka-bench-512-160/q` and `/p`.
pub(crate) const BENCH512_P: &[u64] = &[
    0xde28_1744_7540_8051,
    0x7e79_f4e0_a246_97b8,
    0x7700_3503_1ac1_9256,
    0x6db9_de9d_0d45_aca0,
    0xa13e_63bf_1bc6_a226,
    0x19fb_48db_0c50_41ac,
    0x6cda_ebfc_c206_08a2,
    0x4b16_62bb_76d7_1049,
];

/// q of the 512-bit group, derived from the seed strings `ka-bench-512-160/q` and `/p`.
pub(crate) const BENCH512_Q: &[u64] = &[
    0x0000_0000_fd26_a767,
    0x7f71_d7b6_f39a_24be,
    0xadc7_cedb_f65d_dd99,
];

/// g of the 512-bit group, derived from the seed strings `ka-bench-512-160/q` and `/p`.
pub(crate) const BENCH512_G: &[u64] = &[
    0x9b5d_4ba5_464f_3960,
    0x66d0_4fdb_9ad9_193a,
    0xdea7_dcb3_6a0e_9794,
    0x1e81_3ece_ae63_ba01,
    0xddfd_177b_90eb_1bdf,
    0x6e72_308c_7ddc_68f3,
    0xa98e_d9c6_0710_42af,
    0x19b4_146c_0647_0d60,
];

/// p of RFC 5114, section 2.1.
pub(crate) const RFC5114_P: &[u64] = &[
    0xb10b_8f96_a080_e01d,
    0xde92_de5e_ae5d_54ec,
    0x52c9_9fbc_fb06_a3c6,
    0x9a6a_9dca_52d2_3b61,
    0x6073_e286_75a2_3d18,
    0x9838_ef1e_2ee6_52c0,
    0x13ec_b4ae_a906_1123,
    0x2497_5c3c_d49b_83bf,
    0xaccb_dd7d_90c4_bd70,
    0x9848_8e9c_219a_7372,
    0x4eff_d6fa_e564_4738,
    0xfaa3_1a4f_f55b_ccc0,
    0xa151_af5f_0dc8_b4bd,
    0x45bf_37df_365c_1a65,
    0xe68c_fda7_6d4d_a708,
    0xdf1f_b2bc_2e4a_4371,
];

/// q of RFC 5114, section 2.1.
pub(crate) const RFC5114_Q: &[u64] = &[
    0x0000_0000_f518_aa87,
    0x81a8_df27_8aba_4e7d,
    0x64b7_cb9d_4946_2353,
];

/// g of RFC 5114, section 2.1.
pub(crate) const RFC5114_G: &[u64] = &[
    0xa4d1_cbd5_c3fd_3412,
    0x6765_a442_efb9_9905,
    0xf810_4dd2_58ac_507f,
    0xd640_6cff_1426_6d31,
    0x266f_ea1e_5c41_564b,
    0x777e_690f_5504_f213,
    0x1602_17b4_b01b_886a,
    0x5e91_547f_9e27_49f4,
    0xd7fb_d7d3_b9a9_2ee1,
    0x909d_0d22_63f8_0a76,
    0xa6a2_4c08_7a09_1f53,
    0x1dbf_0a01_69b6_a28a,
    0xd662_a4d1_8e73_afa3,
    0x2d77_9d59_18d0_8bc8,
    0x858f_4dce_f97c_2a24,
    0x855e_6eeb_22b3_b2e5,
];
