/* SPDX-License-Identifier: Apache-2.0 */
/*
 * every.h - what the two sides of every.edl report of their calls
 *
 * The functions behind the interface are alike: look at what came, note it, then write bytes of
 * 0x11, 0x12, ... over what goes back.
 */
#ifndef EDL_EVERY_H
#define EDL_EVERY_H

#include <stdbool.h>
#include <stddef.h>

#define SEEN_MAX 512
#define SEES_MAX 8

struct seen {
    unsigned calls;
    const void *pointer[SEES_MAX]; /* as the function got them, in the order of see() */
    size_t size[SEES_MAX];         /* bytes of each */
    unsigned char bytes[SEES_MAX][SEEN_MAX];
    unsigned count;
    long value[16];
    unsigned values;
};
extern struct seen seen;

void see(const void *pointer, size_t size);
void see_value(long value);
void fill(void *pointer, size_t size);
void forget_seen(void);

/* What fill() leaves. */
bool is_filled(const void *pointer, size_t size);

/* Set by tests: what an ecall on deep structures, or the host's answer to one, does besides. */
struct buffer;
extern void (*on_deep)(struct buffer *b);

/* What o_pointer_result(), o_text_result() and o_errno() answer with. */
extern void *pointer_result;
extern int errno_result;

/* Runs in o_nothing(). */
extern void (*on_nothing)(void);

/* Inside: calls o_nothing(). Outside: calls e_run(), which calls f. */
void leave_enclave(void);
void run_inside(void (*f)(void));

#endif
