/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect.h - an instruction runs with its memory operand somewhere else
 *
 * The access of host code to a page that it must not see is made to a scratch page full of ones:
 * reads find ones, and writes are lost with the scratch. So any instruction with an ordinary memory
 * operand - vector moves, arithmetic, locked read-modify-write, x87 and XSAVE - has abort-page
 * semantics without being understood: a copy of it runs in a stub of this thread's, its operand
 * re-encoded relative to RIP so that no register changes, and INT3 behind it. String instructions
 * name their operands by RSI and RDI alone: those are shifted, and RCX is limited to what lies in
 * one page.
 *
 * Not for branches, which would leave the stub. Not redirected, and false: an operand on the stack
 * by PUSH, POP, CALL, RET and their like (the page is the stack itself), gathers and scatters, tile
 * loads, strings with an address-size or segment prefix. An operand that crosses the end of a
 * hidden page is taken as hidden to its end.
 *
 * While the stub runs, all signals but the model's own are blocked. Any that come see the
 * instruction at its own address, done or not done at all; a fault of its other operand as well.
 */
#ifndef MODEL_RUN_REDIRECT_H
#define MODEL_RUN_REDIRECT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ucontext.h>

/* Is the access to one of these addresses to be redirected? */
typedef bool hidden_fn(uint64_t address, bool write);

/*
 * redirect_begin() - make uc, which faulted, run its instruction on the scratch
 * @code, @size:  the bytes at RIP; 15 are enough
 * @hidden:       at least one operand's address must be
 *
 * False: it cannot be done, or there is no memory for a stub; uc is as it was.
 */
bool redirect_begin(ucontext_t *uc, const uint8_t *code, size_t size, hidden_fn *hidden);

/*
 * redirect_end() - every trap comes here first
 *
 * If the thread was in its stub, uc becomes what it would be without. True: it was the end of the
 * stub that trapped, and there is nothing else to do about this signal.
 */
bool redirect_end(int sig, ucontext_t *uc);

#endif
