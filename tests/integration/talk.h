/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - the conversation at the door, passage by passage, by hand
 *
 * What the untrusted runtime does on its own, a hostile host does as it likes: each passage here is
 * one call of the model's enter_enclave, with registers as chosen.
 */
#ifndef TESTS_INTEGRATION_TALK_H
#define TESTS_INTEGRATION_TALK_H

#include "abi/call.h"
#include "host.h"

enum talk_kind {
    TALK_EXIT,      /* EEXIT: rdi, rsi and rdx say what it means */
    TALK_EXCEPTION, /* the enclave was left by an exception, or so the kernel says */
    TALK_REFUSED,   /* the processor refused the entry itself */
};

struct talk {
    enum talk_kind kind;
    uint64_t rdi, rsi, rdx;
    unsigned vector, error;
    uint64_t address;
};

/* Memory for ocall arguments, as a host gives it. One a thread. */
#define TALK_AREA_SIZE 65536u
uint8_t *talk_area(void);

struct talk talk_enter(uint64_t tcs, int64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t r8);
struct talk talk_resume(uint64_t tcs);

/* Entries with an honest area. */
struct talk talk_ecall(uint64_t tcs, int64_t index, void *ms);
struct talk talk_oret(uint64_t tcs, sgx_status_t status);

/* The rest of a conversation, as an honest host leads it: to the ecall's return or the end. */
struct talk talk_on(uint64_t tcs, struct talk exit);

/* An ecall or what follows it must end so; anything else fails the test. */
#define TALK_RETURNS(exit, status)                                                                 \
    do {                                                                                           \
        struct talk exit_ = (exit);                                                                \
        cr_assert_eq(exit_.kind, TALK_EXIT, "kind %d, vector %u, error %#x, address %#llx",        \
                     exit_.kind, exit_.vector, exit_.error, (unsigned long long)exit_.address);    \
        cr_assert_eq(exit_.rdi, AP_EXIT_RETURN, "exit %llu", (unsigned long long)exit_.rdi);       \
        cr_assert_eq(exit_.rsi, (uint64_t)(status), "status %#llx",                                \
                     (unsigned long long)exit_.rsi);                                               \
        cr_assert_eq(exit_.rdx, 0);                                                                \
    } while (0)

#define TALK_OCALLS(exit, index)                                                                   \
    do {                                                                                           \
        struct talk exit_ = (exit);                                                                \
        cr_assert_eq(exit_.kind, TALK_EXIT, "kind %d, vector %u", exit_.kind, exit_.vector);       \
        cr_assert_eq(exit_.rdi, AP_EXIT_OCALL, "exit %llu, status %#llx",                          \
                     (unsigned long long)exit_.rdi, (unsigned long long)exit_.rsi);                \
        cr_assert_eq((int64_t)exit_.rsi, (index));                                                 \
    } while (0)

/* The answer to an entry at CSSA 1. */
#define TALK_ANSWERS(exit, status)                                                                 \
    do {                                                                                           \
        struct talk exit_ = (exit);                                                                \
        cr_assert_eq(exit_.kind, TALK_EXIT, "kind %d, vector %u", exit_.kind, exit_.vector);       \
        cr_assert_eq(exit_.rdi, AP_EXIT_EXCEPTION, "exit %llu", (unsigned long long)exit_.rdi);    \
        cr_assert_eq(exit_.rsi, (uint64_t)(status), "status %#llx",                                \
                     (unsigned long long)exit_.rsi);                                               \
        cr_assert_eq(exit_.rdx, 0);                                                                \
    } while (0)

#define TALK_REFUSES(exit, with_vector)                                                            \
    do {                                                                                           \
        struct talk exit_ = (exit);                                                                \
        cr_assert_eq(exit_.kind, TALK_REFUSED, "kind %d", exit_.kind);                             \
        cr_assert_eq(exit_.vector, (with_vector), "vector %u", exit_.vector);                      \
    } while (0)

#define TALK_INTERRUPTED(exit) cr_assert_eq((exit).kind, TALK_EXCEPTION)

/*
 * An enclave that nobody has initialised: created by the untrusted runtime, whose first call never
 * arrived.
 */
void talk_create_uninitialised(const char *path);

#endif
