/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An author with an RSA key. Numbers are computed here by division, which the processor avoids, and
 * the signature is made by libcrypto's own PKCS#1: nothing is shared with the code under test.
 */
#include <criterion/criterion.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu/measure.h"
#include "fixture.h"

/* ------------------------------------------------------------------ the key */

static EVP_PKEY *generate(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    cr_assert(ctx && e && BN_set_word(e, SGX_SIG_EXPONENT));
    cr_assert(EVP_PKEY_keygen_init(ctx) > 0);
    cr_assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 8 * SGX_KEY_SIZE) > 0);
    cr_assert(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) > 0);
    cr_assert(EVP_PKEY_generate(ctx, &key) > 0);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/*
 * Every test is a process of its own, and generating a key takes longer than all of them: so it is
 * kept in a file beside the program. Programs may race; each goes on with a whole key.
 */
EVP_PKEY *signing_key(void)
{
    static EVP_PKEY *key;
    char program[PATH_MAX - 64] = "", path[PATH_MAX], fresh[PATH_MAX + 32];
    FILE *file;

    if (key)
        return key;
    cr_assert(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    snprintf(path, sizeof path, "%s/signing_key.pem", dirname(program));
    file = fopen(path, "r");
    if (file) {
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        cr_assert_not_null(key, "%s is not a key: delete it", path);
        return key;
    }

    key = generate();
    snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    file = fopen(fresh, "w");
    cr_assert_not_null(file);
    cr_assert(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    cr_assert_eq(rename(fresh, path), 0);
    return key;
}

/* ------------------------------------------------------------------ the signature */

static void store(const BIGNUM *n, uint8_t *ret_little_endian)
{
    cr_assert(BN_bn2lebinpad(n, ret_little_endian, SGX_KEY_SIZE) == SGX_KEY_SIZE);
}

/* Q1 = floor(S^2 / M), Q2 = floor(S * (S^2 mod M) / M). */
static void store_quotients(struct sgx_sigstruct *sig, const BIGNUM *m, const BIGNUM *s)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *t = BN_new(), *q = BN_new(), *rest = BN_new();

    cr_assert(ctx && t && q && rest);
    cr_assert(BN_sqr(t, s, ctx) && BN_div(q, rest, t, m, ctx));
    store(q, sig->q1);
    cr_assert(BN_mul(t, rest, s, ctx) && BN_div(q, rest, t, m, ctx));
    store(q, sig->q2);
    BN_free(t);
    BN_free(q);
    BN_free(rest);
    BN_CTX_free(ctx);
}

void sign(struct sgx_sigstruct *sig)
{
    EVP_PKEY *key = signing_key();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t message[256], signature[SGX_KEY_SIZE];
    size_t size = sizeof signature;
    BIGNUM *m = NULL, *s;

    memcpy(message, sig, 128);
    memcpy(message + 128, (const uint8_t *)sig + 900, 128);
    cr_assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) > 0);
    cr_assert(EVP_DigestSign(ctx, signature, &size, message, sizeof message) > 0);
    cr_assert_eq(size, SGX_KEY_SIZE);
    EVP_MD_CTX_free(ctx);

    cr_assert(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &m));
    s = BN_bin2bn(signature, SGX_KEY_SIZE, NULL);
    cr_assert_not_null(s);
    sig->exponent = SGX_SIG_EXPONENT;
    store(m, sig->modulus);
    store(s, sig->signature);
    store_quotients(sig, m, s);
    BN_free(m);
    BN_free(s);
}

/* ------------------------------------------------------------------ SIGSTRUCT */

void prepare_sigstruct(struct machine *m)
{
    *m->sig = (struct sgx_sigstruct){
        .header = SGX_SIG_HEADER,
        .date = 0x20240229,
        .header2 = SGX_SIG_HEADER2,
        .miscselect = m->secs.miscselect,
        .miscmask = 0xffffffff,
        .attributes = m->secs.attributes,
        .attribute_mask = {~SGX_ATTR_DEBUG, ~UINT64_C(0)},
        .isv_prod_id = 0x1234,
        .isv_svn = 5,
    };
    cpu_measure_digest(&m->state, m->sig->enclave_hash);
}

struct outcome einit(struct machine *m)
{
    /* As Linux does: no token, and the launch key is whoever signed. */
    EVP_Digest(m->sig->modulus, SGX_KEY_SIZE, m->platform.le_pubkey_hash, NULL, EVP_sha256(), NULL);
    return cpu_einit(&m->epc, (uintptr_t)m->sig, epc_address(&m->epc, SECS_FRAME),
                     (uintptr_t)m->token);
}
