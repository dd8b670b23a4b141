/* SPDX-License-Identifier: Apache-2.0 */
#include "sigstruct.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "image/policy.h"

static const uint8_t header[16] = SGX_SIG_HEADER;
static const uint8_t header2[16] = SGX_SIG_HEADER2;

void sigstruct_fill(const struct config *config, const struct ap_layout *layout,
                    const uint8_t mrenclave[static 32], uint32_t date,
                    struct sgx_sigstruct *ret_sig)
{
    struct sgx_sigstruct sig = {
        .date = date,
        .swdefined = aperture_summary(layout),
        .miscselect = layout->miscselect,
        .miscmask = layout->miscmask,
        .attributes = layout->attributes,
        .attribute_mask = layout->attribute_mask,
        .isv_prod_id = (uint16_t)config->prod_id,
        .isv_svn = (uint16_t)config->isv_svn,
    };

    memcpy(sig.header, header, sizeof header);
    memcpy(sig.header2, header2, sizeof header2);
    memcpy(sig.enclave_hash, mrenclave, sizeof sig.enclave_hash);
    *ret_sig = sig;
}

static void signed_message(const struct sgx_sigstruct *sig,
                           uint8_t ret_message[static 2 * SGX_SIG_PIECE_SIZE])
{
    const uint8_t *bytes = (const uint8_t *)sig;

    memcpy(ret_message, bytes + SGX_SIG_HEAD_OFFSET, SGX_SIG_PIECE_SIZE);
    memcpy(ret_message + SGX_SIG_PIECE_SIZE, bytes + SGX_SIG_BODY_OFFSET, SGX_SIG_PIECE_SIZE);
}

/* libcrypto writes signatures most significant byte first, SIGSTRUCT stores them the other way. */
static void reverse(uint8_t to[static SGX_KEY_SIZE], const uint8_t from[static SGX_KEY_SIZE])
{
    for (size_t i = 0; i < SGX_KEY_SIZE; i++)
        to[i] = from[SGX_KEY_SIZE - 1 - i];
}

static int put_modulus(struct sgx_sigstruct *sig, EVP_PKEY *key)
{
    BIGNUM *n = NULL;
    int ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
             BN_bn2lebinpad(n, sig->modulus, SGX_KEY_SIZE) == SGX_KEY_SIZE;

    BN_free(n);
    sig->exponent = SGX_SIG_EXPONENT;
    return ok ? 0 : -1;
}

/* RSASSA-PKCS1-v1_5 is what libcrypto does with an RSA key unless told otherwise. */
static int put_signature(struct sgx_sigstruct *sig, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t message[2 * SGX_SIG_PIECE_SIZE];
    uint8_t signature[SGX_KEY_SIZE];
    size_t size = sizeof signature;
    int ok;

    signed_message(sig, message);
    ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, signature, &size, message, sizeof message) == 1 &&
         size == sizeof signature;
    if (ok)
        reverse(sig->signature, signature);
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : -1;
}

/*
 * The processor multiplies and subtracts but never divides, so it is given the quotients:
 * q1 = floor(S^2 / M) and q2 = floor(S * (S^2 mod M) / M), with S the signature and M the modulus.
 */
static int quotients(const struct sgx_sigstruct *sig, uint8_t ret_q1[static SGX_KEY_SIZE],
                     uint8_t ret_q2[static SGX_KEY_SIZE])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *s = BN_lebin2bn(sig->signature, SGX_KEY_SIZE, NULL);
    BIGNUM *m = BN_lebin2bn(sig->modulus, SGX_KEY_SIZE, NULL);
    BIGNUM *q = BN_new();
    BIGNUM *product = BN_new();
    int ok = ctx && s && m && q && product && BN_sqr(product, s, ctx) == 1 &&
             BN_div(q, product, product, m, ctx) == 1 &&
             BN_bn2lebinpad(q, ret_q1, SGX_KEY_SIZE) == SGX_KEY_SIZE &&
             BN_mul(product, product, s, ctx) == 1 && BN_div(q, NULL, product, m, ctx) == 1 &&
             BN_bn2lebinpad(q, ret_q2, SGX_KEY_SIZE) == SGX_KEY_SIZE;

    BN_free(product);
    BN_free(q);
    BN_free(m);
    BN_free(s);
    BN_CTX_free(ctx);
    return ok ? 0 : -1;
}

int sigstruct_sign(struct sgx_sigstruct *sig, EVP_PKEY *key, struct failure *failure)
{
    if (put_modulus(sig, key) < 0 || put_signature(sig, key) < 0 ||
        quotients(sig, sig->q1, sig->q2) < 0) {
        unsigned long code = ERR_peek_last_error();

        return fail(failure, "libcrypto could not sign: %s",
                    code ? ERR_reason_error_string(code) : "no reason given");
    }
    return sigstruct_verify(sig, failure);
}

/* The public key that MODULUS stands for; NULL if there is none. */
static EVP_PKEY *public_key(const struct sgx_sigstruct *sig)
{
    BIGNUM *n = BN_lebin2bn(sig->modulus, SGX_KEY_SIZE, NULL);
    BIGNUM *e = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    if (n && e && build && ctx && BN_set_word(e, SGX_SIG_EXPONENT) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        (parameters = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    BN_free(e);
    BN_free(n);
    return key;
}

static int signature_valid(const struct sgx_sigstruct *sig)
{
    EVP_PKEY *key = public_key(sig);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t message[2 * SGX_SIG_PIECE_SIZE];
    uint8_t signature[SGX_KEY_SIZE];
    int ok;

    signed_message(sig, message);
    reverse(signature, sig->signature);
    ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestVerify(ctx, signature, sizeof signature, message, sizeof message) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static int all_zero(const uint8_t *bytes, size_t size)
{
    while (size && *bytes == 0) {
        bytes++;
        size--;
    }
    return size == 0;
}

int sigstruct_verify(const struct sgx_sigstruct *sig, struct failure *failure)
{
    uint8_t q1[SGX_KEY_SIZE];
    uint8_t q2[SGX_KEY_SIZE];

    if (memcmp(sig->header, header, sizeof header) || memcmp(sig->header2, header2, sizeof header2))
        return fail(failure, "HEADER or HEADER2 of the SIGSTRUCT is not the architecture's");
    if (sig->vendor != 0 && sig->vendor != SGX_SIG_VENDOR_INTEL)
        return fail(failure, "VENDOR of the SIGSTRUCT is 0x%x; expected 0 or 0x8086", sig->vendor);
    if (sig->exponent != SGX_SIG_EXPONENT)
        return fail(failure, "EXPONENT of the SIGSTRUCT is %u; expected 3", sig->exponent);
    if (!all_zero(sig->reserved0, sizeof sig->reserved0) ||
        !all_zero(sig->reserved1, sizeof sig->reserved1) ||
        !all_zero(sig->reserved2, sizeof sig->reserved2) ||
        !all_zero(sig->reserved3, sizeof sig->reserved3))
        return fail(failure, "reserved bytes of the SIGSTRUCT are not zero");
    if (!signature_valid(sig))
        return fail(failure, "SIGNATURE of the SIGSTRUCT is not that of its fields under MODULUS");
    if (quotients(sig, q1, q2) < 0 || memcmp(q1, sig->q1, sizeof q1) != 0 ||
        memcmp(q2, sig->q2, sizeof q2) != 0)
        return fail(failure, "Q1 or Q2 of the SIGSTRUCT does not belong to SIGNATURE and MODULUS");
    return 0;
}

int sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t ret_mrsigner[static 32],
                       struct failure *failure)
{
    if (EVP_Digest(sig->modulus, sizeof sig->modulus, ret_mrsigner, NULL, EVP_sha256(), NULL) != 1)
        return fail(failure, "libcrypto could not compute MRSIGNER");
    return 0;
}
