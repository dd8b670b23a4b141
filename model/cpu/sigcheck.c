/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/sigcheck.h"

#include "cpu/unconfirmed.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <string.h>

/* DigestInfo of a SHA-256, less the digest: RFC 8017, section 9.2, note 1. */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static_assert(PKCS_PADDING_SIZE + SHA256_DIGEST_LENGTH == SGX_KEY_SIZE, "padding and digest");

void cpu_pkcs_padding(uint8_t ret_padding[static PKCS_PADDING_SIZE])
{
    size_t end = PKCS_PADDING_SIZE - sizeof digest_info;

    memset(ret_padding, 0xff, PKCS_PADDING_SIZE);
    ret_padding[0] = 0x00;
    ret_padding[1] = 0x01;
    ret_padding[end - 1] = 0x00;
    memcpy(ret_padding + end, digest_info, sizeof digest_info);
}

void cpu_signer(const struct sgx_sigstruct *sig, uint8_t ret_mrsigner[static 32])
{
    SHA256(sig->modulus, sizeof sig->modulus, ret_mrsigner);
}

/* The block that the signature must contain, most significant byte first. */
static void encode(const struct sgx_sigstruct *sig, uint8_t ret_block[static SGX_KEY_SIZE])
{
    const uint8_t *bytes = (const uint8_t *)sig;
    uint8_t message[2 * SGX_SIG_PIECE_SIZE];

    memcpy(message, bytes + SGX_SIG_HEAD_OFFSET, SGX_SIG_PIECE_SIZE);
    memcpy(message + SGX_SIG_PIECE_SIZE, bytes + SGX_SIG_BODY_OFFSET, SGX_SIG_PIECE_SIZE);
    cpu_pkcs_padding(ret_block);
    SHA256(message, sizeof message, ret_block + PKCS_PADDING_SIZE);
}

struct numbers {
    BN_CTX *ctx;
    BIGNUM *m, *s, *q1, *q2;
    BIGNUM *t, *u, *product;
};

/* False when memory runs out. Whatever was taken is in n->ctx. */
static bool numbers_read(struct numbers *n, const struct sgx_sigstruct *sig)
{
    BN_CTX_start(n->ctx);
    n->m = BN_CTX_get(n->ctx);
    n->s = BN_CTX_get(n->ctx);
    n->q1 = BN_CTX_get(n->ctx);
    n->q2 = BN_CTX_get(n->ctx);
    n->t = BN_CTX_get(n->ctx);
    n->u = BN_CTX_get(n->ctx);
    n->product = BN_CTX_get(n->ctx);
    return n->product != NULL && /* once BN_CTX_get fails, it keeps failing */
           BN_lebin2bn(sig->modulus, SGX_KEY_SIZE, n->m) &&
           BN_lebin2bn(sig->signature, SGX_KEY_SIZE, n->s) &&
           BN_lebin2bn(sig->q1, SGX_KEY_SIZE, n->q1) && BN_lebin2bn(sig->q2, SGX_KEY_SIZE, n->q2);
}

UNCONFIRMED(QUOTIENT_RANGE);

/* result = a * s - q * m, which must be a residue of m. */
static enum signature reduce(struct numbers *n, BIGNUM *result, const BIGNUM *a, const BIGNUM *q)
{
    if (!BN_mul(result, a, n->s, n->ctx) || !BN_mul(n->product, q, n->m, n->ctx) ||
        !BN_sub(result, result, n->product))
        return SIGNATURE_UNKNOWN;
    if (BN_is_negative(result) || BN_cmp(result, n->m) >= 0)
        return SIGNATURE_BAD;
    return SIGNATURE_GOOD;
}

static enum signature verify(struct numbers *n, const struct sgx_sigstruct *sig)
{
    uint8_t expected[SGX_KEY_SIZE], found[SGX_KEY_SIZE];
    enum signature verdict;

    if (!numbers_read(n, sig))
        return SIGNATURE_UNKNOWN;
    verdict = reduce(n, n->t, n->s, n->q1);
    if (verdict != SIGNATURE_GOOD)
        return verdict;
    verdict = reduce(n, n->u, n->t, n->q2);
    if (verdict != SIGNATURE_GOOD)
        return verdict;

    encode(sig, expected);
    /* u < m < 2^3072, so it fits. */
    if (BN_bn2binpad(n->u, found, sizeof found) != sizeof found)
        return SIGNATURE_UNKNOWN;
    return memcmp(expected, found, sizeof found) == 0 ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

enum signature cpu_signature_check(const struct sgx_sigstruct *sig)
{
    struct numbers n = {.ctx = BN_CTX_new()};
    enum signature verdict;

    if (n.ctx == NULL)
        return SIGNATURE_UNKNOWN;
    verdict = verify(&n, sig);
    BN_CTX_end(n.ctx);
    BN_CTX_free(n.ctx);
    return verdict;
}
