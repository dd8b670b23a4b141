/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/derive.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 4493, "Test Vectors": the key, and the messages of 0, 16 and 40 bytes. */
static const uint8_t rfc_key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static const uint8_t rfc_message[40] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
                                        0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57,
                                        0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf,
                                        0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11};

Test(derive, the_mac_is_aes_128_cmac)
{
    static const struct {
        size_t size;
        uint8_t mac[16];
    } vectors[] = {
        {0,
         {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67,
          0x46}},
        {16,
         {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28,
          0x7c}},
        {40,
         {0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32, 0x61, 0x14, 0x97, 0xc8,
          0x27}},
    };
    uint8_t mac[16];

    for (size_t i = 0; i < 3; i++) {
        cr_expect(cpu_cmac(rfc_key, rfc_message, vectors[i].size, mac));
        cr_expect_arr_eq(mac, vectors[i].mac, 16, "%zu bytes", vectors[i].size);
    }
}

Test(derive, every_byte_of_the_inputs_and_of_the_secret_counts)
{
    struct platform platform = {.secret = {1, 2, 3}};
    struct key_inputs inputs = {0};
    uint8_t key[16], other[16];

    cr_expect(cpu_derive(&platform, &inputs, key));
    for (size_t i = 0; i < sizeof inputs; i++) {
        ((uint8_t *)&inputs)[i] ^= 1;
        cr_expect(cpu_derive(&platform, &inputs, other));
        cr_expect_neq(memcmp(key, other, 16), 0, "byte %zu", i);
        ((uint8_t *)&inputs)[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof platform.secret; i++) {
        platform.secret[i] ^= 1;
        cr_expect(cpu_derive(&platform, &inputs, other));
        cr_expect_neq(memcmp(key, other, 16), 0, "byte %zu of the secret", i);
        platform.secret[i] ^= 1;
    }
    cr_expect(cpu_derive(&platform, &inputs, other));
    cr_expect_arr_eq(key, other, 16);
}

Test(derive, a_version_is_reached_if_no_component_is_of_the_future)
{
    struct platform platform;
    uint8_t svn[16] = {0};

    memset(platform.cpu_svn, 4, 16);
    cr_expect(cpu_svn_reached(&platform, svn));
    cr_expect(cpu_svn_reached(&platform, platform.cpu_svn));
    for (size_t i = 0; i < 16; i++) {
        memset(svn, 0, 16);
        svn[i] = 5;
        cr_expect_not(cpu_svn_reached(&platform, svn), "component %zu", i);
    }
}
