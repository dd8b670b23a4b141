/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigcheck.h - the signature of a SIGSTRUCT (private to model/cpu)
 */
#ifndef MODEL_CPU_SIGCHECK_H
#define MODEL_CPU_SIGCHECK_H

#include "cpu/cpu.h"

/* The part of an encoded PKCS#1 block that does not depend on the message; also SECS.PADDING. */
#define PKCS_PADDING_SIZE 352u

enum signature { SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_UNKNOWN /* out of memory */ };

/*
 * What the processor computes: with T = S*S - Q1*M and U = T*S - Q2*M, both in [0, M), U must be
 * the PKCS#1 v1.5 encoding of the signed message's SHA-256. No division, hence Q1 and Q2.
 */
enum signature cpu_signature_check(const struct sgx_sigstruct *sig);

void cpu_pkcs_padding(uint8_t ret_padding[static PKCS_PADDING_SIZE]);

/* MRSIGNER: the SHA-256 of the modulus as it is stored. */
void cpu_signer(const struct sgx_sigstruct *sig, uint8_t ret_mrsigner[static 32]);

#endif
