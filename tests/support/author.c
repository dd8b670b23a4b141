/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "author.h"

#include <libgen.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/measure.h"

/* A test without its author has nothing to say. */
static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "author: %s\n", what);
    abort();
}

void author_create(struct author *author, uint32_t ssa_frame_size, uint64_t size)
{
    const struct sgx_measure_ecreate record = {
        .tag = SGX_TAG_ECREATE, .ssa_frame_size = ssa_frame_size, .size = size};

    SHA256_Init(&author->hash);
    SHA256_Update(&author->hash, &record, sizeof record);
}

void author_add(struct author *author, uint64_t offset, uint64_t secinfo_flags)
{
    struct sgx_measure_eadd record = {.tag = SGX_TAG_EADD, .offset = offset};

    memcpy(record.secinfo, &secinfo_flags, sizeof secinfo_flags);
    SHA256_Update(&author->hash, &record, sizeof record);
}

void author_extend(struct author *author, uint64_t offset, const void *page)
{
    for (uint64_t at = 0; at < SGX_PAGE_SIZE; at += SGX_EEXTEND_SIZE) {
        const struct sgx_measure_eextend record = {.tag = SGX_TAG_EEXTEND, .offset = offset + at};

        SHA256_Update(&author->hash, &record, sizeof record);
        SHA256_Update(&author->hash, (const uint8_t *)page + at, SGX_EEXTEND_SIZE);
    }
}

void author_sigstruct(struct author *author, struct sgx_sigstruct *ret_sig)
{
    SHA256_CTX copy = author->hash;

    *ret_sig = (struct sgx_sigstruct){
        .header = SGX_SIG_HEADER,
        .header2 = SGX_SIG_HEADER2,
        .date = 0x20260101,
        .exponent = SGX_SIG_EXPONENT,
        .attributes = {.flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY},
        .attribute_mask = {.flags = ~SGX_ATTR_DEBUG, .xfrm = ~UINT64_C(0)},
    };
    SHA256_Final(ret_sig->enclave_hash, &copy);
}

static EVP_PKEY *generate(void)
{
    BIGNUM *e = BN_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    EVP_PKEY *key = NULL;

    must(context && e && EVP_PKEY_keygen_init(context) > 0 && BN_set_word(e, SGX_SIG_EXPONENT) &&
             EVP_PKEY_CTX_set_rsa_keygen_bits(context, 8 * SGX_KEY_SIZE) > 0 &&
             EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) > 0 &&
             EVP_PKEY_generate(context, &key) > 0,
         "cannot make a key");
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    return key;
}

/* Put a fresh key where the next process finds it. Programs may race: rename keeps files whole. */
static void keep(EVP_PKEY *key, const char *path)
{
    char fresh[PATH_MAX + 32];
    FILE *file;

    snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    file = fopen(fresh, "w");
    must(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) && fclose(file) == 0,
         fresh);
    must(rename(fresh, path) == 0, path);
}

static EVP_PKEY *load(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *key;

    if (!file)
        return NULL;
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    if (!key)
        fprintf(stderr, "%s: delete it\n", path);
    must(key, "a kept key cannot be read");
    return key;
}

EVP_PKEY *author_key(int number)
{
    static EVP_PKEY *keys[2];
    char program[PATH_MAX - 64] = "", path[PATH_MAX];

    if (keys[number])
        return keys[number];
    must(readlink("/proc/self/exe", program, sizeof program - 1) > 0, "/proc/self/exe");
    snprintf(path, sizeof path, "%s/author_key_%d.pem", dirname(program), number);
    keys[number] = load(path);
    if (!keys[number]) {
        keys[number] = generate();
        keep(keys[number], path);
    }
    return keys[number];
}

static void put_number(uint8_t *field, const BIGNUM *number)
{
    must(BN_bn2lebinpad(number, field, SGX_KEY_SIZE) == SGX_KEY_SIZE, "a number too large");
}

/*
 * Q1 = floor(S^2 / M), Q2 = floor((S^3 - Q1 S M) / M) = floor(S (S^2 mod M) / M). By division,
 * which a processor avoids: nothing is shared with the code under test.
 */
static void put_quotients(struct sgx_sigstruct *sig, const BIGNUM *s, const BIGNUM *m)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *square = BN_new(), *q = BN_new(), *rest = BN_new();

    must(context && square && q && rest, "no memory");
    must(BN_sqr(square, s, context) && BN_div(q, rest, square, m, context), "Q1");
    put_number(sig->q1, q);
    must(BN_mul(square, rest, s, context) && BN_div(q, NULL, square, m, context), "Q2");
    put_number(sig->q2, q);
    BN_free(square);
    BN_free(q);
    BN_free(rest);
    BN_CTX_free(context);
}

void author_sign(struct sgx_sigstruct *sig, int key)
{
    uint8_t message[2 * SGX_SIG_PIECE_SIZE], signature[SGX_KEY_SIZE];
    size_t size = sizeof signature;
    EVP_PKEY *pkey = author_key(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    BIGNUM *m = NULL, *s;

    sig->exponent = SGX_SIG_EXPONENT;
    memcpy(message, (uint8_t *)sig + SGX_SIG_HEAD_OFFSET, SGX_SIG_PIECE_SIZE);
    memcpy(message + SGX_SIG_PIECE_SIZE, (uint8_t *)sig + SGX_SIG_BODY_OFFSET, SGX_SIG_PIECE_SIZE);
    must(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) > 0 &&
             EVP_DigestSign(context, signature, &size, message, sizeof message) > 0 &&
             size == SGX_KEY_SIZE && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &m),
         "cannot sign");
    s = BN_bin2bn(signature, (int)size, NULL);
    must(s, "no memory");
    put_number(sig->modulus, m);
    put_number(sig->signature, s);
    put_quotients(sig, s, m);
    BN_free(m);
    BN_free(s);
    EVP_MD_CTX_free(context);
}
