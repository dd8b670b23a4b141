/* SPDX-License-Identifier: Apache-2.0 */
/* sigstruct_test.c - signatures, checked with the arithmetic that the processor does */
#include <criterion/criterion.h>

#include <string.h>

#include <openssl/bn.h>

#include "image/policy.h"
#include "key.h"
#include "sigstruct.h"

static struct sgx_sigstruct sig;
static struct failure failure;

static void make_signature(void)
{
    static const uint8_t mrenclave[32] = {1, 2, 3};
    struct config config = {.prod_id = 7, .isv_svn = 9};
    struct ap_layout layout = {
        .attributes = {SGX_ATTR_MODE64BIT, 3},
        .attribute_mask = {~SGX_ATTR_DEBUG, ~UINT64_C(0)},
        .miscselect = 1,
        .miscmask = 0xffff,
    };
    EVP_PKEY *key;

    cr_assert_eq(key_load(KEY_FOLDER "/good.pem", &key, &failure), 0, "%s", failure.text);
    sigstruct_fill(&config, &layout, mrenclave, 0x20240131, &sig);
    cr_assert_eq(sigstruct_sign(&sig, key, &failure), 0, "%s", failure.text);
    EVP_PKEY_free(key);
}

TestSuite(sigstruct, .init = make_signature);

Test(sigstruct, carries_what_was_configured)
{
    cr_assert_eq(sig.vendor, 0);
    cr_assert_eq(sig.date, 0x20240131);
    cr_assert_eq(sig.exponent, 3);
    cr_assert_eq(sig.isv_prod_id, 7);
    cr_assert_eq(sig.isv_svn, 9);
    cr_assert_eq(sig.attributes.flags, SGX_ATTR_MODE64BIT);
    cr_assert_eq(sig.attribute_mask.flags, ~SGX_ATTR_DEBUG);
    cr_assert_eq(sig.miscmask, 0xffff);
    cr_assert_eq(sig.enclave_hash[2], 3);
}

/* T = S^2 - Q1*M and U = T*S - Q2*M, both in [0, M). U is the padded hash of the message. */
Test(sigstruct, q1_and_q2_let_a_processor_verify_without_dividing)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *s = BN_lebin2bn(sig.signature, SGX_KEY_SIZE, NULL);
    BIGNUM *m = BN_lebin2bn(sig.modulus, SGX_KEY_SIZE, NULL);
    BIGNUM *q1 = BN_lebin2bn(sig.q1, SGX_KEY_SIZE, NULL);
    BIGNUM *q2 = BN_lebin2bn(sig.q2, SGX_KEY_SIZE, NULL);
    BIGNUM *t = BN_new(), *u = BN_new(), *product = BN_new();
    uint8_t message[256], padded[SGX_KEY_SIZE], hash[32];

    BN_mul(t, s, s, ctx);
    BN_mul(product, q1, m, ctx);
    BN_sub(t, t, product);
    cr_assert(!BN_is_negative(t) && BN_cmp(t, m) < 0);
    BN_mul(u, t, s, ctx);
    BN_mul(product, q2, m, ctx);
    BN_sub(u, u, product);
    cr_assert(!BN_is_negative(u) && BN_cmp(u, m) < 0);

    BN_bn2binpad(u, padded, sizeof padded);
    memcpy(message, &sig, 128);
    memcpy(message + 128, (uint8_t *)&sig + 900, 128);
    EVP_Digest(message, sizeof message, hash, NULL, EVP_sha256(), NULL);
    cr_assert_eq(padded[0], 0);
    cr_assert_eq(padded[1], 1);
    for (size_t i = 2; i < SGX_KEY_SIZE - 52; i++)
        cr_assert_eq(padded[i], 0xff);
    cr_assert_arr_eq(padded + SGX_KEY_SIZE - 32, hash, 32);
}

Test(sigstruct, signing_twice_gives_the_same_bytes)
{
    struct sgx_sigstruct first = sig;

    make_signature();
    cr_assert_arr_eq(&sig, &first, sizeof sig);
}

Test(sigstruct, no_single_byte_can_change_without_being_noticed)
{
    uint8_t *bytes = (uint8_t *)&sig;

    cr_assert_eq(sigstruct_verify(&sig, &failure), 0, "%s", failure.text);
    /* Verifying is slow; every seventh byte meets each field but those of one or two bytes. */
    for (size_t i = 0; i < sizeof sig; i += i >= 900 && i < 1040 ? 1 : 7) {
        bytes[i] ^= 0x10;
        cr_expect_lt(sigstruct_verify(&sig, &failure), 0, "byte %zu", i);
        bytes[i] ^= 0x10;
    }
}

Test(sigstruct, a_refusal_names_the_field)
{
    sig.vendor = 5;
    sigstruct_verify(&sig, &failure);
    cr_expect(strstr(failure.text, "VENDOR"), "%s", failure.text);
    make_signature();
    sig.exponent = 65537;
    sigstruct_verify(&sig, &failure);
    cr_expect(strstr(failure.text, "EXPONENT"), "%s", failure.text);
    make_signature();
    sig.q2[0] ^= 1;
    sigstruct_verify(&sig, &failure);
    cr_expect(strstr(failure.text, "Q1 or Q2"), "%s", failure.text);
    make_signature();
    sig.isv_svn++;
    sigstruct_verify(&sig, &failure);
    cr_expect(strstr(failure.text, "SIGNATURE"), "%s", failure.text);
}

Test(sigstruct, a_modulus_of_zeroes_is_refused_and_not_divided_by)
{
    memset(sig.modulus, 0, sizeof sig.modulus);
    cr_assert_lt(sigstruct_verify(&sig, &failure), 0);
}

static const struct {
    const char *file;
    const char *says;
} bad_keys[] = {
    {"/missing.pem", "the key cannot be read: No such file"},
    {"/garbage.pem", "holds no PEM private key"},
    {"/public.pem", "holds no PEM private key"},
    {"/locked.pem", "is protected by a passphrase"},
    {"/ec.pem", "is not an RSA key"},
    {"/short.pem", "is an RSA key of 2048 bits; SGX takes 3072"},
    {"/exponent.pem", "has another public exponent than 3"},
};

Test(key, every_key_that_sgx_cannot_use_is_refused_by_a_sentence)
{
    for (size_t i = 0; i < sizeof bad_keys / sizeof bad_keys[0]; i++) {
        char path[512];
        EVP_PKEY *key = NULL;

        snprintf(path, sizeof path, "%s%s", KEY_FOLDER, bad_keys[i].file);
        cr_expect_lt(key_load(path, &key, &failure), 0, "%s", path);
        cr_expect_null(key);
        cr_expect(strstr(failure.text, bad_keys[i].says), "%s: %s", path, failure.text);
    }
}
