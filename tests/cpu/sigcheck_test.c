/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <string.h>

#include "cpu/sigcheck.h"
#include "fixture.h"

static struct sgx_sigstruct good(void)
{
    struct sgx_sigstruct sig = {
        .header = SGX_SIG_HEADER, .header2 = SGX_SIG_HEADER2, .date = 0x20240229, .isv_svn = 7};

    memset(sig.enclave_hash, 0x3c, sizeof sig.enclave_hash);
    sign(&sig);
    return sig;
}

Test(sigcheck, what_libcrypto_signed_is_good)
{
    struct sgx_sigstruct sig = good();

    cr_expect_eq(cpu_signature_check(&sig), SIGNATURE_GOOD);
}

/* One bit at a time, spread over the field. */
static void expect_bad(size_t offset, size_t size, size_t step)
{
    struct sgx_sigstruct sig = good();
    uint8_t *bytes = (uint8_t *)&sig;

    for (size_t i = 0; i < size; i += step) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        bytes[offset + i] ^= bit;
        cr_expect_eq(cpu_signature_check(&sig), SIGNATURE_BAD, "byte %zu", offset + i);
        bytes[offset + i] ^= bit;
    }
    cr_expect_eq(cpu_signature_check(&sig), SIGNATURE_GOOD);
}

Test(sigcheck, every_byte_of_the_signed_header_counts)
{
    expect_bad(0, 128, 1);
}

Test(sigcheck, every_byte_of_the_signed_body_counts)
{
    expect_bad(900, 128, 1);
}

Test(sigcheck, a_flipped_bit_of_the_modulus_is_bad)
{
    expect_bad(offsetof(struct sgx_sigstruct, modulus), SGX_KEY_SIZE, 17);
}

Test(sigcheck, a_flipped_bit_of_the_signature_is_bad)
{
    expect_bad(offsetof(struct sgx_sigstruct, signature), SGX_KEY_SIZE, 17);
}

Test(sigcheck, a_flipped_bit_of_q1_is_bad)
{
    expect_bad(offsetof(struct sgx_sigstruct, q1), SGX_KEY_SIZE, 17);
}

Test(sigcheck, a_flipped_bit_of_q2_is_bad)
{
    expect_bad(offsetof(struct sgx_sigstruct, q2), SGX_KEY_SIZE, 17);
}

Test(sigcheck, what_lies_outside_the_message_does_not_count)
{
    struct sgx_sigstruct sig = good();

    memset(sig.reserved3, 0xff, sizeof sig.reserved3);
    cr_expect_eq(cpu_signature_check(&sig), SIGNATURE_GOOD);
}

/* number += sign * modulus, if that still fits the field. */
static bool shift(uint8_t *number, const uint8_t *modulus, int sign_)
{
    BIGNUM *n = BN_lebin2bn(number, SGX_KEY_SIZE, NULL);
    BIGNUM *m = BN_lebin2bn(modulus, SGX_KEY_SIZE, NULL);
    bool fits;

    cr_assert(n && m && (sign_ > 0 ? BN_add(n, n, m) : BN_sub(n, n, m)));
    fits = !BN_is_negative(n) && BN_bn2lebinpad(n, number, SGX_KEY_SIZE) == SGX_KEY_SIZE;
    BN_free(n);
    BN_free(m);
    return fits;
}

static void add_one(uint8_t *number, int sign_)
{
    uint8_t one[SGX_KEY_SIZE] = {1};

    cr_assert(shift(number, one, sign_));
}

/* Each changes T or U by exactly M, so the arithmetic modulo M would still be right. */
Test(sigcheck, a_quotient_off_by_one_leaves_the_range_and_is_bad)
{
    struct sgx_sigstruct sig = good(), bad;

    for (int by = -1; by <= 1; by += 2) {
        bad = sig;
        add_one(bad.q2, by);
        cr_expect_eq(cpu_signature_check(&bad), SIGNATURE_BAD, "Q2 by %d", by);
        bad = sig;
        add_one(bad.q1, by);
        cr_expect_eq(cpu_signature_check(&bad), SIGNATURE_BAD, "Q1 by %d", by);
    }
}

Test(sigcheck, zero_for_every_number_is_bad)
{
    struct sgx_sigstruct sig = good(), bad = sig;

    memset(bad.modulus, 0, SGX_KEY_SIZE);
    cr_expect_eq(cpu_signature_check(&bad), SIGNATURE_BAD);
    bad = sig;
    memset(bad.signature, 0, SGX_KEY_SIZE);
    memset(bad.q1, 0, SGX_KEY_SIZE);
    memset(bad.q2, 0, SGX_KEY_SIZE);
    cr_expect_eq(cpu_signature_check(&bad), SIGNATURE_BAD);
    memset(&bad, 0, sizeof bad);
    cr_expect_eq(cpu_signature_check(&bad), SIGNATURE_BAD);
}

Test(sigcheck, the_padding_is_that_of_pkcs1_for_sha256)
{
    static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t padding[PKCS_PADDING_SIZE];

    cpu_pkcs_padding(padding);
    cr_expect(padding[0] == 0 && padding[1] == 1);
    for (size_t i = 2; i < 332; i++)
        cr_expect_eq(padding[i], 0xff, "byte %zu", i);
    cr_expect_eq(padding[332], 0);
    cr_expect_arr_eq(padding + 333, info, sizeof info);
}

Test(sigcheck, the_signer_is_the_hash_of_the_stored_modulus)
{
    struct sgx_sigstruct sig = good();
    uint8_t found[32], expected[32];

    cpu_signer(&sig, found);
    SHA256((const uint8_t *)&sig + 128, 384, expected);
    cr_expect_arr_eq(found, expected, 32);
}
