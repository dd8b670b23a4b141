/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigstruct.h - make a SIGSTRUCT and check one the way EINIT does
 *
 * All functions return 0, or -1 with the sentence in failure.
 */
#ifndef SIGNTOOL_SIGSTRUCT_H
#define SIGNTOOL_SIGSTRUCT_H

#include <openssl/evp.h>

#include "arch/sigstruct.h"
#include "config.h"
#include "say.h"

/* All fields that are signed. date is binary coded decimal, 0xYYYYMMDD. */
void sigstruct_fill(const struct config *config, const struct ap_layout *layout,
                    const uint8_t mrenclave[static 32], uint32_t date,
                    struct sgx_sigstruct *ret_sig);

/* MODULUS, EXPONENT, SIGNATURE, Q1 and Q2 over the fields that are there. */
int sigstruct_sign(struct sgx_sigstruct *sig, EVP_PKEY *key, struct failure *failure);

/* The fixed fields, the signature under MODULUS, Q1 and Q2. */
int sigstruct_verify(const struct sgx_sigstruct *sig, struct failure *failure);

/* MRSIGNER: SHA-256 of MODULUS as stored. */
int sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t ret_mrsigner[static 32],
                       struct failure *failure);

#endif
