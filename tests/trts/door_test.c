/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door_test.c - sibling of trts/entry.S and trts/exception_entry.S: the whole enclave on the
 * software SGX2, and a host that does what it wants
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/call.h"
#include "arch/ssa.h"
#include "door.h"
#include "ecalls.h"
#include "model.h"

static struct door door;

static void setup(void)
{
    door_open(&door);
}

static void setup_ready(void)
{
    door_open(&door);
    door_init(&door);
}

static void teardown(void)
{
    door_close(&door);
}

TestSuite(door, .init = setup_ready, .fini = teardown);
TestSuite(door_early, .init = setup, .fini = teardown);

#define CF UINT64_C(0x1)
#define DF UINT64_C(0x400)
#define NT UINT64_C(0x4000)
#define AC UINT64_C(0x40000)

static uint64_t add_status(unsigned slot)
{
    struct basic_add ms = {.a = 40, .b = 2};
    uint64_t status = door_call(&door, slot, BASIC_ADD, &ms);

    cr_assert(status != SGX_SUCCESS || ms.sum == 42);
    return status;
}

static void is_alive(void)
{
    cr_assert(add_status(0) == SGX_SUCCESS);
    cr_assert(add_status(1) == SGX_SUCCESS);
}

/* ------------------------------------------------------------------ registers on the way in */

static struct basic_flags flags_seen(void)
{
    struct basic_flags ms = {0};

    cr_assert(door_call(&door, 0, BASIC_FLAGS, &ms) == SGX_SUCCESS);
    return ms;
}

Test(door, flags_of_the_host_do_not_come_in)
{
    const uint64_t bad[] = {DF, AC, NT, DF | AC | NT | CF};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        door.state.in_rflags = bad[i] | 2;
        cr_assert((flags_seen().rflags & (DF | AC | NT)) == 0, "%#lx", (unsigned long)bad[i]);
    }
}

Test(door, floating_point_control_and_contents_of_the_host_do_not_come_in)
{
    struct basic_flags seen;

    door.state.in_vectors.mxcsr =
        0xffc0;                         /* nothing masked but precision; round to zero, DAZ, FTZ */
    door.state.in_vectors.fcw = 0x0040; /* nothing masked, single precision */
    door.state.in_vectors.ftw = 0xff;   /* the x87 stack is full */
    memset(door.state.in_vectors.st, 0xd1, sizeof door.state.in_vectors.st);
    memset(door.state.in_vectors.xmm, 0xd2, sizeof door.state.in_vectors.xmm);
    seen = flags_seen();
    cr_assert(seen.mxcsr == 0x1f80 && seen.fcw == 0x37f);
    cr_assert(seen.ftw == 0xffff && seen.xmm == 0);
}

/* ------------------------------------------------------------------ registers on the way out */

static void nothing_leaks(void)
{
    const struct passage_state *s = &door.state;

    for (unsigned i = 0; i < 8; i++)
        cr_assert(s->out_r[i] == 0, "r%u is %#lx", 8 + i, (unsigned long)s->out_r[i]);
    cr_assert((s->out_rflags & (DF | AC | NT)) == 0);
}

static void no_vector_leaks(void)
{
    const struct door_vectors *v = &door.state.out_vectors;

    cr_assert(v->mxcsr == 0x1f80 && v->fcw == 0x37f && v->ftw == 0);
    for (size_t i = 0; i < sizeof v->xmm; i++)
        cr_assert(v->xmm[i] == 0, "byte %zu of the vectors", i);
}

Test(door, a_return_scrubs_what_is_no_result)
{
    struct basic_resume ms = {0};

    is_alive();
    nothing_leaks();
    no_vector_leaks();
    /* This one leaves patterns in every vector and register before its #UD. */
    cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
    cr_assert(door_enter(&door, 0, 0, 0) == DOOR_EXIT);
    cr_assert(door_resume(&door, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_RETURN && door.state.out_rsi == SGX_SUCCESS);
    cr_assert(door.state.out_rdx == 0);
    nothing_leaks();
    no_vector_leaks();
    cr_assert(ms.registers_kept && ms.vectors_kept && ms.control_kept && ms.flags_kept);
    cr_assert(ms.red_zone_kept && ms.clean_handler);
}

Test(door, an_ocall_scrubs_what_is_no_argument)
{
    struct basic_control ms = {0};

    cr_assert(door_enter(&door, 0, BASIC_CONTROL, (uintptr_t)&ms) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_OCALL && door.state.out_rsi == BASIC_OCALL_NOTE);
    cr_assert(door.state.out_rdx == (uintptr_t)door.memory);
    nothing_leaks();
    no_vector_leaks();
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    cr_assert(ms.mxcsr_before == ms.mxcsr_after && ms.fcw_before == ms.fcw_after);
    cr_assert(ms.mxcsr_before == 0x5f80, "and the enclave has its own back");
}

Test(door, a_refusal_and_an_exception_exit_scrub_too)
{
    struct basic_resume ms = {0};

    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    for (unsigned i = 0; i < 4; i++)
        cr_assert(door.state.out_r[i] == 0 || door.state.out_r[i] == 0x0909090909090909);
    cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
    cr_assert(door_enter(&door, 0, 0, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_EXCEPTION && door.state.out_rsi == 0);
    nothing_leaks();
}

/* ------------------------------------------------------------------ returns from ocalls */

Test(door, a_return_from_an_ocall_that_was_never_made_is_refused)
{
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    cr_assert(door_call(&door, 3, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED,
              "also on a slot that nobody ever entered");
    is_alive();
}

/* Leaves slot 0 in the ocall of BASIC_RECURSE. */
static void leave_by_ocall(struct basic_recurse *ms)
{
    cr_assert(door_enter(&door, 0, BASIC_RECURSE, (uintptr_t)ms) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_OCALL && door.state.out_rsi == BASIC_OCALL_RECURSE);
}

Test(door, an_ocall_returns_once)
{
    struct basic_recurse ms = {.depth = 1};

    leave_by_ocall(&ms);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    cr_assert(ms.reached == 1 && ms.canary == 1);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    is_alive();
}

Test(door, an_ocall_returns_on_its_own_slot_only)
{
    struct basic_recurse ms = {.depth = 1};

    leave_by_ocall(&ms);
    cr_assert(door_call(&door, 1, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    cr_assert(ms.reached == 1);
}

Test(door, ocalls_return_last_in_first_out)
{
    struct basic_recurse outer = {.depth = 1}, inner = {.depth = 1};

    leave_by_ocall(&outer);
    leave_by_ocall(&inner);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    cr_assert(inner.reached == 1 && outer.reached == 0, "the inner one went on, not the outer");
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, (void *)SGX_ERROR_UNEXPECTED) == SGX_SUCCESS);
    cr_assert(outer.status == SGX_ERROR_UNEXPECTED && outer.canary == 1);
    is_alive();
}

/* ------------------------------------------------------------------ ecalls that are not due */

Test(door, ecalls_follow_the_matrix_of_the_outstanding_ocall)
{
    struct basic_recurse ms = {.depth = 1};
    struct basic_add add = {.a = 1, .b = 2};

    cr_assert(door_call(&door, 0, BASIC_PRIVATE, &add) == SGX_ERROR_ECALL_NOT_ALLOWED);
    leave_by_ocall(&ms);
    cr_assert(door_call(&door, 0, BASIC_NOP, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(door_call(&door, 0, BASIC_PRIVATE, &add) == SGX_SUCCESS && add.sum == 3);
    cr_assert(door_call(&door, 1, BASIC_NOP, NULL) == SGX_SUCCESS, "another slot is at its root");
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
}

Test(door, no_ecall_nests_in_an_ocall_of_the_runtimes_own)
{
    struct basic_commit ms = {.region = "pool", .pages = 1};

    cr_assert(door_enter(&door, 0, BASIC_COMMIT, (uintptr_t)&ms) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_OCALL);
    cr_assert((int32_t)door.state.out_rsi == AP_OCALL_TOUCH);
    for (int64_t i = 0; i < BASIC_ECALL_COUNT; i++)
        cr_assert(door_call(&door, 0, i, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    /* Nothing was touched: the first EACCEPT faults, and the kernel adds the page. */
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    cr_assert(ms.status == SGX_SUCCESS && ms.zero == 1);
}

Test(door, indices_that_mean_nothing_are_refused)
{
    cr_assert(door_call(&door, 0, BASIC_ECALL_COUNT, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(door_call(&door, 0, INT64_MAX, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(door_call(&door, 0, INT64_MIN, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(door_call(&door, 0, -3, NULL) == SGX_ERROR_INVALID_FUNCTION);
    is_alive();
}

Test(door, memory_for_ocalls_must_lie_outside)
{
    uint64_t base = door.loaded.base;

    door.state.in_rdx = base + 0x10000;
    cr_assert(add_status(0) == SGX_ERROR_INVALID_PARAMETER);
    door.state.in_rdx = base - 8;
    cr_assert(add_status(0) == SGX_ERROR_INVALID_PARAMETER);
    door.state.in_rdx = (uintptr_t)door.memory + 1;
    cr_assert(add_status(0) == SGX_ERROR_INVALID_PARAMETER);
    door.state.in_rdx = (uintptr_t)door.memory;
    door.state.in_r8 = UINT64_MAX;
    cr_assert(add_status(0) == SGX_ERROR_INVALID_PARAMETER);
    door.state.in_r8 = DOOR_MEMORY;
    is_alive();
}

Test(door, ecalls_nested_too_deep_end_with_an_error)
{
    struct basic_recurse ms = {.depth = 1};
    unsigned depth = 0;

    while (door_enter(&door, 0, BASIC_RECURSE, (uintptr_t)&ms) == DOOR_EXIT &&
           door.state.out_rdi == AP_EXIT_OCALL)
        cr_assert(++depth < 10000);
    cr_assert(depth > 10);
    cr_assert(door.state.out_rdi == AP_EXIT_RETURN);
    cr_assert(door.state.out_rsi == SGX_ERROR_STACK_OVERRUN);
    while (depth--)
        cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    is_alive();
}

/* ------------------------------------------------------------------ initialisation */

Test(door_early, nothing_but_initialisation_is_allowed_first)
{
    cr_assert(add_status(0) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    door_init(&door);
    is_alive();
}

Test(door_early, initialisation_happens_once)
{
    door_init(&door);
    cr_assert(door_call(&door, 0, AP_ENTER_INIT, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(door_call(&door, 1, AP_ENTER_INIT, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    is_alive();
}

Test(door_early, while_one_slot_initialises_all_else_is_refused)
{
    cr_assert(door_enter(&door, 0, AP_ENTER_INIT, 0) == DOOR_EXIT);
    door_serve_restrict(&door);
    cr_assert(door_call(&door, 1, AP_ENTER_INIT, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(door_call(&door, 0, AP_ENTER_INIT, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(add_status(1) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(add_status(0) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(door_call(&door, 1, AP_ENTER_ORET, NULL) == SGX_ERROR_UNEXPECTED);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
    is_alive();
}

Test(door_early, a_host_that_does_not_restrict_relro_has_no_enclave)
{
    cr_assert(door_enter(&door, 0, AP_ENTER_INIT, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_OCALL);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_HOST);
    cr_assert(add_status(0) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(door_call(&door, 1, AP_ENTER_INIT, NULL) == SGX_ERROR_ENCLAVE_CRASHED);
}

Test(door_early, a_host_that_gives_no_memory_cannot_initialise)
{
    door.state.in_r8 = 0;
    cr_assert(door_call(&door, 0, AP_ENTER_INIT, NULL) == SGX_ERROR_HOST);
    cr_assert(add_status(0) == SGX_ERROR_ENCLAVE_CRASHED);
}

/* ------------------------------------------------------------------ forged exceptions */

/* At CSSA 1 everything but the SSA is the host's word; says what the enclave answers. */
static uint64_t exception_status(unsigned slot)
{
    cr_assert(door_enter(&door, slot, BASIC_NOP, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_EXCEPTION);
    return door.state.out_rsi;
}

/*
 * After every single instruction of a call, from the door to the exit: an interrupt, which the host
 * presents as #UD. The enclave does not believe it, and the call goes on as if nothing had been.
 */
static void interrupt_everywhere(int64_t ecall, void *ms, const void *fresh, size_t size,
                                 bool (*is_right)(const void *))
{
    unsigned interrupted = 0;

    for (uint64_t n = 1;; n++) {
        enum door_end end;

        memcpy(ms, fresh, size);
        door_interrupt_after(&door, n);
        end = door_enter(&door, 0, ecall, (uintptr_t)ms);
        if (end == DOOR_EXCEPTION) {
            interrupted++;
            cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED, "instruction %lu",
                      (unsigned long)n);
            cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED);
            cr_assert(door_resume(&door, 0) == DOOR_EXIT);
        }
        cr_assert(door.state.out_rdi == AP_EXIT_RETURN && door.state.out_rsi == SGX_SUCCESS,
                  "instruction %lu", (unsigned long)n);
        cr_assert(is_right(ms), "instruction %lu", (unsigned long)n);
        if (end == DOOR_EXIT)
            break;
    }
    cr_assert(interrupted > 100, "only %u instructions", interrupted);
}

static bool is_sum(const void *ms)
{
    return ((const struct basic_add *)ms)->sum == 42;
}

Test(door, an_interrupt_anywhere_in_a_call_is_not_taken_for_an_exception)
{
    const struct basic_add fresh = {.a = 40, .b = 2};
    struct basic_add ms;

    is_alive();
    interrupt_everywhere(BASIC_ADD, &ms, &fresh, sizeof ms, is_sum);
    is_alive();
}

/* The same for the way back from an ocall, up to the end of the ecall that made it. */
Test(door, an_interrupt_anywhere_behind_an_ocall_is_not_taken_for_an_exception)
{
    for (uint64_t n = 1;; n++) {
        struct basic_recurse ms = {.depth = 1};
        enum door_end end;

        leave_by_ocall(&ms);
        door_interrupt_after(&door, n);
        end = door_enter(&door, 0, AP_ENTER_ORET, SGX_SUCCESS);
        if (end == DOOR_EXCEPTION) {
            cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED);
            cr_assert(door_resume(&door, 0) == DOOR_EXIT);
        }
        cr_assert(door.state.out_rdi == AP_EXIT_RETURN && door.state.out_rsi == SGX_SUCCESS);
        cr_assert(ms.reached == 1 && ms.canary == 1);
        if (end == DOOR_EXIT) {
            cr_assert(n > 50);
            break;
        }
    }
    is_alive();
}

/* Phase one, too, can be interrupted anywhere: no third entry is possible, and ERESUME goes on. */
Test(door, an_interrupt_anywhere_in_phase_one_changes_nothing)
{
    for (uint64_t n = 1;; n++) {
        struct basic_resume ms = {0};
        enum door_end end;

        cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
        door_interrupt_after(&door, n);
        end = door_enter(&door, 0, 0, 0);
        if (end == DOOR_EXCEPTION) {
            cr_assert(door_enter(&door, 0, 0, 0) == DOOR_ENTRY_FAULT, "no SSA frame is left");
            cr_assert(door_resume(&door, 0) == DOOR_EXIT);
        }
        cr_assert(door.state.out_rdi == AP_EXIT_EXCEPTION && door.state.out_rsi == SGX_SUCCESS);
        cr_assert(door_resume(&door, 0) == DOOR_EXIT);
        cr_assert(door.state.out_rdi == AP_EXIT_RETURN && door.state.out_rsi == SGX_SUCCESS);
        cr_assert(ms.registers_kept && ms.vectors_kept && ms.control_kept && ms.flags_kept &&
                  ms.red_zone_kept);
        if (end == DOOR_EXIT) {
            cr_assert(n > 50);
            break;
        }
    }
    is_alive();
}

/* And the handler with the way back into the interrupted code. */
Test(door, an_interrupt_anywhere_in_phase_two_changes_nothing)
{
    for (uint64_t n = 1;; n++) {
        struct basic_resume ms = {0};
        enum door_end end;

        cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
        cr_assert(exception_status(0) == SGX_SUCCESS);
        door_interrupt_after(&door, n);
        end = door_resume(&door, 0);
        if (end == DOOR_EXCEPTION) {
            cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED);
            cr_assert(door_resume(&door, 0) == DOOR_EXIT);
        }
        cr_assert(door.state.out_rdi == AP_EXIT_RETURN && door.state.out_rsi == SGX_SUCCESS);
        cr_assert(ms.registers_kept && ms.vectors_kept && ms.control_kept && ms.flags_kept &&
                  ms.red_zone_kept && ms.clean_handler);
        if (end == DOOR_EXIT) {
            cr_assert(n > 50);
            break;
        }
    }
    is_alive();
}

Test(door, an_exception_is_told_once)
{
    struct basic_resume ms = {0};

    cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
    cr_assert(exception_status(0) == SGX_SUCCESS);
    cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED);
    cr_assert(exception_status(0) == SGX_ERROR_UNEXPECTED);
    cr_assert(door_resume(&door, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rsi == SGX_SUCCESS && ms.registers_kept);
}

Test(door, an_exception_that_is_not_told_comes_again)
{
    struct basic_resume ms = {0};

    cr_assert(door_enter(&door, 0, BASIC_RESUME, (uintptr_t)&ms) == DOOR_EXCEPTION);
    cr_assert(door_resume(&door, 0) == DOOR_EXCEPTION, "the instruction faults once more");
    cr_assert(exception_status(0) == SGX_SUCCESS);
    cr_assert(door_resume(&door, 0) == DOOR_EXIT && ms.registers_kept);
}

/* The host takes the thread data away: the door's own accesses fault, for real. */
Test(door, an_exception_in_the_door_itself_ends_the_enclave)
{
    uint64_t td = door_tcs(&door, 0) + door.image.layout.slots.td_from_tcs;

    cr_assert(sgx2_mprotect((void *)td, 4096, PROT_NONE) == 0);
    cr_assert(door_enter(&door, 0, BASIC_NOP, 0) == DOOR_EXCEPTION);
    cr_assert(door.run.exception_vector == SGX_VECTOR_PF);
    cr_assert(sgx2_mprotect((void *)td, 4096, PROT_READ | PROT_WRITE) == 0);
    cr_assert(exception_status(0) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(add_status(1) == SGX_ERROR_ENCLAVE_CRASHED);
}

Test(door, a_crash_ends_outstanding_ocalls_too)
{
    struct basic_recurse ms = {.depth = 1};
    struct basic_provoke provoke = {.provocation = BASIC_ASSERT};

    leave_by_ocall(&ms);
    cr_assert(door_call(&door, 1, BASIC_PROVOKE, &provoke) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(door_call(&door, 0, AP_ENTER_ORET, NULL) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(ms.reached == 0, "the outer ecall never went on");
}

Test(door, an_exception_that_nobody_takes_leaves_at_once)
{
    struct basic_provoke provoke = {.provocation = BASIC_DIVIDE};

    cr_assert(door_enter(&door, 0, BASIC_PROVOKE, (uintptr_t)&provoke) == DOOR_EXCEPTION);
    cr_assert(exception_status(0) == SGX_SUCCESS);
    cr_assert(door_resume(&door, 0) == DOOR_EXIT);
    cr_assert(door.state.out_rdi == AP_EXIT_RETURN);
    cr_assert(door.state.out_rsi == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(add_status(1) == SGX_ERROR_ENCLAVE_CRASHED);
}

Test(door, a_stack_that_is_full_ends_the_enclave_and_says_so)
{
    cr_assert(door_enter(&door, 0, BASIC_OVERFLOW, 0) == DOOR_EXCEPTION);
    cr_assert(exception_status(0) == SGX_ERROR_STACK_OVERRUN);
    cr_assert(add_status(1) == SGX_ERROR_ENCLAVE_CRASHED);
}
