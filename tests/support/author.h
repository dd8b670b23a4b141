/* SPDX-License-Identifier: Apache-2.0 */
/*
 * author.h - an enclave author in a few lines: measures page by page and signs
 *
 * Independent of urts/image, signtool and model/cpu on purpose: what they agree on is checked
 * against this. Whatever fails here ends the program with a message.
 */
#ifndef TESTS_SUPPORT_AUTHOR_H
#define TESTS_SUPPORT_AUTHOR_H

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/secinfo.h"
#include "arch/sigstruct.h"

struct author {
    SHA256_CTX hash;
};

void author_create(struct author *author, uint32_t ssa_frame_size, uint64_t size);
void author_add(struct author *author, uint64_t offset, uint64_t secinfo_flags);
void author_extend(struct author *author, uint64_t offset, const void *page);

/* A SIGSTRUCT for what was measured, 64-bit, XFRM 3; not signed yet. */
void author_sigstruct(struct author *author, struct sgx_sigstruct *ret_sig);

/*
 * One of two signing keys. Every test is a process of its own, and making a key takes longer than
 * all of them: so keys are kept in files beside the test programs.
 */
EVP_PKEY *author_key(int number);

/* Sign with one of the keys. Fills modulus, exponent, Q1 and Q2. */
void author_sign(struct sgx_sigstruct *sig, int key);

#endif
