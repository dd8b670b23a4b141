/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/pagecrypt.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

#include "cpu/derive.h"

struct sealed {
    struct platform platform;
    struct page_header header;
    uint64_t version;
    uint8_t plain[4096], cipher[4096], mac[16];
};

static void seal(struct sealed *s)
{
    memset(s, 0, sizeof *s);
    memset(s->platform.secret, 0x11, sizeof s->platform.secret);
    memset(s->platform.report_key_id, 0x22, sizeof s->platform.report_key_id);
    memset(&s->header, 0x33, sizeof s->header);
    s->version = UINT64_C(0x0102030405060708);
    memset(s->plain, 0x44, sizeof s->plain);
    cr_assert(cpu_page_encrypt(&s->platform, s->version, &s->header, s->plain, s->cipher, s->mac));
}

static enum page_verdict unseal(const struct sealed *s, uint8_t *ret_page)
{
    return cpu_page_decrypt(&s->platform, s->version, &s->header, s->cipher, s->mac, ret_page);
}

Test(pagecrypt, what_went_out_comes_back)
{
    struct sealed s;
    uint8_t page[4096];

    seal(&s);
    cr_expect_eq(unseal(&s, page), PAGE_GENUINE);
    cr_expect_arr_eq(page, s.plain, sizeof page);
}

/* The same by hand: AES-128-GCM, the key from derive.h, nonce = version << 32, 128 bytes bound. */
Test(pagecrypt, it_is_aes_128_gcm)
{
    static const uint8_t nonce[12] = {0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    struct key_inputs inputs = {.key_name = 0xffff};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[16], cipher[4096], mac[16];
    struct sealed s;
    int size;

    seal(&s);
    memset(inputs.key_id, 0x22, sizeof inputs.key_id);
    cr_assert(cpu_derive(&s.platform, &inputs, key));
    cr_assert(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce));
    cr_assert(EVP_EncryptUpdate(ctx, NULL, &size, (const uint8_t *)&s.header, 128));
    cr_assert(EVP_EncryptUpdate(ctx, cipher, &size, s.plain, sizeof s.plain));
    cr_assert(EVP_EncryptFinal_ex(ctx, cipher, &size));
    cr_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, mac));
    EVP_CIPHER_CTX_free(ctx);
    cr_expect_arr_eq(s.cipher, cipher, sizeof cipher);
    cr_expect_arr_eq(s.mac, mac, sizeof mac);
}

Test(pagecrypt, everything_that_is_bound_counts)
{
    struct sealed s;
    uint8_t page[4096];

    seal(&s);
    for (size_t i = 0; i < sizeof s.header; i++) {
        ((uint8_t *)&s.header)[i] ^= 1;
        cr_expect_eq(unseal(&s, page), PAGE_FORGED, "byte %zu of the header", i);
        ((uint8_t *)&s.header)[i] ^= 1;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        s.version ^= UINT64_C(1) << bit;
        cr_expect_eq(unseal(&s, page), PAGE_FORGED, "bit %u of the version", bit);
        s.version ^= UINT64_C(1) << bit;
    }
    for (size_t i = 0; i < sizeof s.mac; i++) {
        s.mac[i] ^= 0x80;
        cr_expect_eq(unseal(&s, page), PAGE_FORGED, "byte %zu of the MAC", i);
        s.mac[i] ^= 0x80;
    }
    cr_expect_eq(unseal(&s, page), PAGE_GENUINE);
}

Test(pagecrypt, a_page_survives_neither_a_boot_nor_a_move_to_another_machine)
{
    struct sealed s;
    uint8_t page[4096];

    seal(&s);
    s.platform.report_key_id[0] ^= 1;
    cr_expect_eq(unseal(&s, page), PAGE_FORGED);
    s.platform.report_key_id[0] ^= 1;
    s.platform.secret[0] ^= 1;
    cr_expect_eq(unseal(&s, page), PAGE_FORGED);
}
