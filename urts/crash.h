/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.h - how an enclave ended, in words and for every thread to see
 */
#ifndef URTS_CRASH_H
#define URTS_CRASH_H

#include <asm/sgx.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sgx_error.h"

#define CRASH_TEXT_SIZE 384

/* Each text is written once and published by the flag beside it, so readers need no lock. */
struct crash {
    pthread_mutex_t lock;       /* for writers */
    _Atomic(int) fate;          /* SGX_SUCCESS, or why the enclave can no longer be entered */
    _Atomic(bool) noted;        /* note is complete */
    char text[CRASH_TEXT_SIZE]; /* about fate */
    char note[CRASH_TEXT_SIZE]; /* about the first call that failed without ending the enclave */
};

void crash_init(struct crash *crash);
void crash_done(struct crash *crash);

/* SGX_SUCCESS as long as the enclave may be entered. */
sgx_status_t crash_fate(struct crash *crash);

/* The enclave ends, for the first reason given. Returns status. */
sgx_status_t crash_end(struct crash *crash, sgx_status_t status, const char *text);

/* One call failed; the first such text is kept. Returns status. */
sgx_status_t crash_note(struct crash *crash, sgx_status_t status, const char *text);

/* The text about the end if there is one, else the note, else "". */
const char *crash_text(struct crash *crash);

/*
 * crash_describe() - an exception as the vDSO reported it, as a sentence
 * @base, @size: ELRANGE; an address within is given as an offset too
 *
 * "#PF, page fault writing 0x7f...000 (enclave offset 0x3000): refused by the EPCM ..."
 */
void crash_describe(const struct sgx_enclave_run *run, uint64_t base, uint64_t size, char *ret_text,
                    size_t text_size);

#endif
