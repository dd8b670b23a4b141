/* SPDX-License-Identifier: Apache-2.0 */
#include "aperture/urts.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "enclave_file.h"
#include "fake_os.h"

/* ------------------------------------------------------------------ an enclave of the test's own
 */

static struct ap_enclave *enclave;

static struct ap_enclave *create(void)
{
    const char *path = enclave_file_write(&(struct enclave_file){0});
    struct ap_options options = {.os = fake_os()};
    struct ap_enclave *e = NULL;
    struct ap_error error;

    cr_assert_eq(ap_enclave_create(path, &options, &e, &error), SGX_SUCCESS, "%s", error.text);
    unlink(path);
    return e;
}

static void set_up(void)
{
    enclave = create();
    fake.entries = 0;
}

static void tear_down(void)
{
    fake.enclave = NULL;
    ap_enclave_destroy(enclave);
    cr_assert_eq(fake.open_files, 0);
    cr_assert_eq(fake.mapped, 0);
}

TestSuite(call, .init = set_up, .fini = tear_down);

static struct fake_exit leave(uint64_t rdi, uint64_t rsi, uint64_t rdx)
{
    return (struct fake_exit){.function = SGX_EEXIT, .rdi = rdi, .rsi = rsi, .rdx = rdx};
}

static struct fake_exit fault(uint32_t function, uint16_t vector, uint16_t code, uint64_t address)
{
    return (struct fake_exit){
        .function = function, .vector = vector, .error_code = code, .address = address};
}

/* What the enclave does, entry by entry, and what it saw. */
#define SCRIPT_MAX 8
static struct fake_exit script[SCRIPT_MAX];
static struct fake_entry seen[SCRIPT_MAX];

static struct fake_exit follow_script(const struct fake_entry *entry)
{
    unsigned i = fake.entries - 1;

    cr_assert_lt(i, SCRIPT_MAX);
    seen[i] = *entry;
    return script[i];
}

static sgx_status_t ecall(const struct ap_ocall_table *ocalls)
{
    fake.enclave = follow_script;
    return ap_ecall(enclave, 7, ocalls, (void *)0x1234);
}

/* ------------------------------------------------------------------ ecalls */

Test(call, an_ecall_carries_index_arguments_and_memory_for_ocalls)
{
    script[0] = leave(AP_EXIT_RETURN, SGX_SUCCESS, 0);
    cr_assert_eq(ecall(NULL), SGX_SUCCESS);
    cr_assert_eq(fake.entries, 1);
    cr_assert_eq(seen[0].function, SGX_EENTER);
    cr_assert_eq(seen[0].rdi, 7);
    cr_assert_eq(seen[0].rsi, 0x1234);
    cr_assert_neq(seen[0].rdx, 0);
    cr_assert_geq(seen[0].r8, 4096);
    memset((void *)seen[0].rdx, 0xff, seen[0].r8);
}

Test(call, the_enclaves_status_is_the_ecalls)
{
    script[0] = leave(AP_EXIT_RETURN, SGX_ERROR_ECALL_NOT_ALLOWED, 0);
    cr_assert_eq(ecall(NULL), SGX_ERROR_ECALL_NOT_ALLOWED);
    script[1] = leave(AP_EXIT_RETURN, 0xf00d, 0);
    cr_assert_eq((int)ecall(NULL), 0xf00d);
}

Test(call, a_negative_index_never_reaches_the_enclave)
{
    cr_assert_eq(ap_ecall(enclave, AP_ENTER_INIT, NULL, NULL), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(ap_ecall(enclave, AP_ENTER_ORET, NULL, NULL), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(ap_ecall(NULL, 0, NULL, NULL), SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(fake.entries, 0);
}

/* ------------------------------------------------------------------ ocalls */

static void *ocall_ms;

static sgx_status_t note_ms(void *ms)
{
    ocall_ms = ms;
    return SGX_ERROR_HOST;
}

static ap_ocall_fn *const table[] = {note_ms, NULL};
static const struct ap_ocall_table ocalls = {2, table};

Test(call, an_ocall_runs_and_its_status_goes_back_in)
{
    script[0] = leave(AP_EXIT_OCALL, 0, 0xabcd0);
    script[1] = leave(AP_EXIT_RETURN, 0, 0);
    cr_assert_eq(ecall(&ocalls), SGX_SUCCESS);
    cr_assert_eq(ocall_ms, (void *)0xabcd0);
    cr_assert_eq(seen[1].function, SGX_EENTER);
    cr_assert_eq((int64_t)seen[1].rdi, AP_ENTER_ORET);
    cr_assert_eq(seen[1].rsi, SGX_ERROR_HOST);
    cr_assert_eq(seen[1].tcs, seen[0].tcs);
}

Test(call, an_ocall_that_is_not_in_the_table_is_refused_and_the_ecall_goes_on)
{
    static const uint64_t index[] = {1, 2, INT32_MAX, (uint64_t)-4, (uint32_t)INT32_MIN};

    for (size_t i = 0; i < sizeof index / sizeof *index; i++) {
        fake.entries = 0;
        script[0] = leave(AP_EXIT_OCALL, index[i], 0);
        script[1] = leave(AP_EXIT_RETURN, 0, 0);
        cr_assert_eq(ecall(&ocalls), SGX_SUCCESS);
        cr_assert_eq(seen[1].rsi, SGX_ERROR_INVALID_FUNCTION, "index %#lx", index[i]);
    }
    fake.entries = 0;
    script[0] = leave(AP_EXIT_OCALL, 0, 0);
    cr_assert_eq(ecall(NULL), SGX_SUCCESS);
    cr_assert_eq(seen[1].rsi, SGX_ERROR_INVALID_FUNCTION);
}

static struct fake_exit ask_builtin(const struct fake_entry *entry)
{
    static struct ap_ocall_pages *p;

    if ((int64_t)entry->rdi == AP_ENTER_ORET) {
        cr_assert_eq(p->result, 0);
        return leave(AP_EXIT_RETURN, entry->rsi, 0);
    }
    p = (struct ap_ocall_pages *)entry->rdx;
    *p = (struct ap_ocall_pages){0x3000, 0x1000, SGX_SECINFO_R, -1};
    return leave(AP_EXIT_OCALL, (uint64_t)AP_OCALL_RESTRICT, entry->rdx);
}

Test(call, the_runtimes_own_ocalls_need_no_table)
{
    fake.enclave = ask_builtin;
    cr_assert_eq(ap_ecall(enclave, 0, NULL, NULL), SGX_SUCCESS);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS), 1);
}

Test(call, the_runtimes_own_ocalls_take_requests_from_the_area_only)
{
    static const int64_t shift[] = {-8, 1, 65536 - 24, 65536, INT64_MIN};

    for (size_t i = 0; i < sizeof shift / sizeof *shift; i++) {
        fake.entries = 0;
        script[0] = leave(AP_EXIT_RETURN, 0, 0);
        ecall(NULL); /* to learn where the area is */
        script[1] =
            leave(AP_EXIT_OCALL, (uint64_t)AP_OCALL_TOUCH, seen[0].rdx + (uint64_t)shift[i]);
        script[2] = leave(AP_EXIT_RETURN, 0, 0);
        cr_assert_eq(ecall(NULL), SGX_SUCCESS);
        cr_assert_eq(seen[2].rsi, SGX_ERROR_INVALID_PARAMETER, "shift %ld", shift[i]);
    }
}

/* ------------------------------------------------------------------ nesting */

#define DEPTH 5
static unsigned depth;
static uint64_t area_at[DEPTH + 1], tcs_at[DEPTH + 1];
static sgx_status_t nested_status;

/* Ecall n makes ocall 0 until the depth is reached. */
static struct fake_exit nest(const struct fake_entry *entry)
{
    if ((int64_t)entry->rdi == AP_ENTER_ORET)
        return leave(AP_EXIT_RETURN, entry->rsi, 0);
    area_at[depth] = entry->rdx;
    tcs_at[depth] = entry->tcs;
    return depth == DEPTH ? leave(AP_EXIT_RETURN, 0, 0) : leave(AP_EXIT_OCALL, 0, 0);
}

static sgx_status_t call_again(void *ms);
static ap_ocall_fn *const nesting_table[] = {call_again};
static const struct ap_ocall_table nesting = {1, nesting_table};

static sgx_status_t call_again(void *ms)
{
    (void)ms;
    depth++;
    return ap_ecall(enclave, 0, &nesting, NULL);
}

Test(call, nested_calls_share_the_slot_and_not_the_memory_for_ocalls)
{
    fake.enclave = nest;
    cr_assert_eq(ap_ecall(enclave, 0, &nesting, NULL), SGX_SUCCESS);
    cr_assert_eq(depth, DEPTH);
    for (unsigned i = 1; i <= DEPTH; i++) {
        cr_assert_eq(tcs_at[i], tcs_at[0]);
        for (unsigned j = 0; j < i; j++)
            cr_assert(area_at[i] >= area_at[j] + 65536 || area_at[j] >= area_at[i] + 65536);
    }
}

static struct ap_enclave *other;

static sgx_status_t through_the_other(void *ms)
{
    (void)ms;
    depth++;
    return ap_ecall(depth == 1 ? other : enclave, 0,
                    &(struct ap_ocall_table){1, (ap_ocall_fn *const[]){through_the_other}}, NULL);
}

static struct fake_exit nest_twice(const struct fake_entry *entry)
{
    if ((int64_t)entry->rdi == AP_ENTER_ORET)
        return leave(AP_EXIT_RETURN, entry->rsi, 0);
    tcs_at[depth] = entry->tcs;
    return depth == 2 ? leave(AP_EXIT_RETURN, 0, 0) : leave(AP_EXIT_OCALL, 0, 0);
}

Test(call, a_call_that_comes_back_through_another_enclave_finds_its_slot)
{
    ap_ocall_fn *const fn[] = {through_the_other};
    struct ap_ocall_table t = {1, fn};

    other = create();
    fake.enclave = nest_twice;
    cr_assert_eq(ap_ecall(enclave, 0, &t, NULL), SGX_SUCCESS);
    cr_assert_eq(depth, 2);
    cr_assert_neq(tcs_at[1], tcs_at[0]);
    cr_assert_eq(tcs_at[2], tcs_at[0]);
    fake.enclave = NULL;
    ap_enclave_destroy(other);
}

/* ------------------------------------------------------------------ slots */

static pthread_barrier_t inside, leaving;

static struct fake_exit stay(const struct fake_entry *entry)
{
    if (entry->rdi == 1)
        return leave(AP_EXIT_RETURN, 0, 0);
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&leaving);
    return leave(AP_EXIT_RETURN, 0, 0);
}

static void *occupy(void *arg)
{
    (void)arg;
    return (void *)(uintptr_t)ap_ecall(enclave, 0, NULL, NULL);
}

Test(call, a_call_that_finds_every_slot_busy_is_refused_and_the_next_is_not)
{
    pthread_t thread[ENCLAVE_FILE_SLOTS];
    void *status;

    pthread_barrier_init(&inside, NULL, ENCLAVE_FILE_SLOTS + 1);
    pthread_barrier_init(&leaving, NULL, ENCLAVE_FILE_SLOTS + 1);
    fake.enclave = stay;
    for (unsigned i = 0; i < ENCLAVE_FILE_SLOTS; i++)
        pthread_create(&thread[i], NULL, occupy, NULL);
    pthread_barrier_wait(&inside);
    cr_assert_eq(ap_ecall(enclave, 1, NULL, NULL), SGX_ERROR_OUT_OF_TCS);
    pthread_barrier_wait(&leaving);
    for (unsigned i = 0; i < ENCLAVE_FILE_SLOTS; i++) {
        pthread_join(thread[i], &status);
        cr_assert_eq((uintptr_t)status, SGX_SUCCESS);
    }
    cr_assert_eq(ap_ecall(enclave, 1, NULL, NULL), SGX_SUCCESS);
}

/* ------------------------------------------------------------------ exceptions */

Test(call, an_exception_is_shown_to_the_enclave_and_resumed)
{
    script[0] = fault(SGX_ERESUME, 14, 0x8007, 0x1000);
    script[1] = leave(AP_EXIT_EXCEPTION, 0, 0);
    script[2] = leave(AP_EXIT_RETURN, 0, 0);
    cr_assert_eq(ecall(NULL), SGX_SUCCESS);
    cr_assert_eq(seen[1].function, SGX_EENTER);
    cr_assert_eq(seen[1].tcs, seen[0].tcs);
    cr_assert_eq(seen[2].function, SGX_ERESUME);
    cr_assert_str_eq(ap_enclave_crash(enclave), "");
}

Test(call, a_handler_inside_may_make_ocalls_after_the_resume)
{
    script[0] = fault(SGX_ERESUME, 6, 0, 0);
    script[1] = leave(AP_EXIT_EXCEPTION, 0, 0);
    script[2] = leave(AP_EXIT_OCALL, 0, 0x10);
    script[3] = fault(SGX_ERESUME, 6, 0, 0);
    script[4] = leave(AP_EXIT_EXCEPTION, 0, 0);
    script[5] = leave(AP_EXIT_RETURN, 0, 0);
    cr_assert_eq(ecall(&ocalls), SGX_SUCCESS);
    cr_assert_eq(fake.entries, 6);
    cr_assert_eq(seen[3].function, SGX_EENTER);
    cr_assert_eq(seen[5].function, SGX_ERESUME);
}

/* The enclave ended; nobody gets in any more, and the text says why. */
static void expect_crash(sgx_status_t status, const char *word)
{
    unsigned entries = fake.entries;

    cr_assert_eq(status, SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), word), "%s", ap_enclave_crash(enclave));
    cr_assert_eq(ecall(NULL), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(fake.entries, entries);
}

Test(call, an_exception_that_nobody_handles_is_a_crash_with_its_cause)
{
    script[0] = fault(SGX_ERESUME, 14, 0x8007, (uint64_t)ap_enclave_base(enclave) + 0x2000);
    script[1] = leave(AP_EXIT_EXCEPTION, SGX_ERROR_UNEXPECTED, 0);
    expect_crash(ecall(NULL), "#PF, page fault writing");
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "enclave offset 0x2000"));
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "EPCM"));
}

Test(call, an_exception_while_telling_of_one_is_a_crash_that_names_both)
{
    script[0] = fault(SGX_ERESUME, 0, 0, 0);
    script[1] = fault(SGX_ERESUME, 14, 6, 0);
    expect_crash(ecall(NULL), "#DE");
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "#PF"));
}

Test(call, an_enclave_without_a_free_frame_crashes_with_the_first_cause)
{
    script[0] = fault(SGX_ERESUME, 6, 0, 0);
    script[1] = fault(SGX_EENTER, 13, 0, 0);
    expect_crash(ecall(NULL), "#UD");
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "no SSA frame"));
}

Test(call, a_return_in_answer_to_an_exception_is_a_crash)
{
    script[0] = fault(SGX_ERESUME, 6, 0, 0);
    script[1] = leave(AP_EXIT_RETURN, 0, 0);
    expect_crash(ecall(NULL), "#UD");
}

Test(call, an_exit_that_means_nothing_is_a_crash)
{
    script[0] = leave(AP_EXIT_EXCEPTION, 0, 0);
    expect_crash(ecall(NULL), "exit code 0x2");
}

Test(call, an_enclave_that_gives_up_after_an_exception_names_it)
{
    script[0] = fault(SGX_ERESUME, 0, 0, 0);
    script[1] = leave(AP_EXIT_EXCEPTION, 0, 0);
    script[2] = leave(AP_EXIT_RETURN, SGX_ERROR_ENCLAVE_CRASHED, 0);
    expect_crash(ecall(NULL), "#DE");
}

Test(call, an_enclave_that_gives_up_without_an_exception_says_so)
{
    script[0] = leave(AP_EXIT_RETURN, SGX_ERROR_ENCLAVE_CRASHED, 0);
    expect_crash(ecall(NULL), "without an exception");
}

Test(call, a_lost_enclave_is_told_from_a_crashed_one)
{
    script[0] = fault(SGX_EENTER, 14, 0x8005, 0);
    cr_assert_eq(ecall(NULL), SGX_ERROR_ENCLAVE_LOST);
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "create"));
    cr_assert_eq(ecall(NULL), SGX_ERROR_ENCLAVE_LOST);
    cr_assert_eq(fake.entries, 1);
}

Test(call, an_enclave_lost_while_inside_is_lost)
{
    script[0] = fault(SGX_ERESUME, 14, 0x8005, 0); /* ERESUME finds no page */
    script[1] = fault(SGX_EENTER, 14, 0x8005, 0);  /* nor does EENTER */
    cr_assert_eq(ecall(NULL), SGX_ERROR_ENCLAVE_LOST);
}

Test(call, an_entry_that_is_refused_is_unexpected_and_ends_nothing)
{
    script[0] = fault(SGX_EENTER, 13, 0, 0);
    script[1] = leave(AP_EXIT_RETURN, 0, 0);
    cr_assert_eq(ecall(NULL), SGX_ERROR_UNEXPECTED);
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "busy"));
    cr_assert_eq(ecall(NULL), SGX_SUCCESS);
}

Test(call, a_vdso_that_refuses_is_unexpected)
{
    script[0] = (struct fake_exit){.result = -22};
    cr_assert_eq(ecall(NULL), SGX_ERROR_UNEXPECTED);
    cr_assert_not_null(strstr(ap_enclave_crash(enclave), "-22"));
}

/* The nested call crashes; the ocall reports success all the same. */
static struct fake_exit crash_below(const struct fake_entry *entry)
{
    if (fake.entries == 1)
        return leave(AP_EXIT_OCALL, 0, 0);
    cr_assert_neq((int64_t)entry->rdi, AP_ENTER_ORET, "nobody goes back into a crashed enclave");
    return fake.entries == 2 ? fault(SGX_ERESUME, 6, 0, 0) : leave(AP_EXIT_EXCEPTION, 1, 0);
}

static sgx_status_t swallow(void *ms)
{
    (void)ms;
    nested_status = ap_ecall(enclave, 0, NULL, NULL);
    return SGX_SUCCESS;
}

Test(call, the_outer_call_of_a_nested_crash_ends_too)
{
    ap_ocall_fn *const fn[] = {swallow};
    struct ap_ocall_table t = {1, fn};

    fake.enclave = crash_below;
    cr_assert_eq(ap_ecall(enclave, 0, &t, NULL), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(nested_status, SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(fake.entries, 3);
}
