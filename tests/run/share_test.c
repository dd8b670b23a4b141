/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor is the enclave: one enclave in several processes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "pass.h"
#include "raw.h"

#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)
#define TRIMMED    (SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED)
#define MAGIC      UINT64_C(0x1122334455667788)

TestSuite(share, .timeout = 60);

static struct raw raw;

/* What two processes tell each other. */
static struct board {
    volatile uint64_t stop;    /* for OP_SPIN */
    volatile uint64_t arrived; /* a step of the child's that the parent waits for */
    volatile uint64_t go;      /* one of the parent's that the child waits for */
    struct op op;              /* of a thread that spins inside: it has shown its CSSA in ret2 */
    struct raw raw;
} * board;

static void open_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(board, MAP_FAILED);
}

static void await(volatile uint64_t *flag)
{
    while (!*flag)
        sched_yield();
}

/* In a child there is no test framework: a failed check ends it with the line for its status. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static pid_t child(void (*body)(void))
{
    const pid_t pid = fork();

    if (pid == 0) {
        body();
        _exit(0);
    }
    cr_assert_gt(pid, 0);
    return pid;
}

static void expect_success(pid_t pid)
{
    int status = -1;

    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", status);
}

/* The ops of raw.h for a child: the result of the call, or it ends. */
static struct op enter(unsigned tcs_page, struct op op)
{
    CHECK(raw_call(&raw, tcs_page, SGX_EENTER, &op) == 0);
    CHECK(raw.run.function == SGX_EEXIT);
    return op;
}

static uint64_t data(void)
{
    return raw_address(&raw, RAW_DATA);
}

static intptr_t map_free(unsigned pages, int prot)
{
    return sgx2_mmap(raw.base + RAW_FREE, pages * SGX_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED,
                     raw.fd, 0);
}

static uint64_t accept_page(unsigned tcs_page, uint64_t secinfo, uint64_t offset)
{
    const uint64_t operand = raw_address(&raw, RAW_OPERAND);

    enter(tcs_page, (struct op){.op = OP_STORE, .a = operand, .b = secinfo});
    return enter(tcs_page, (struct op){.op = OP_ENCLU,
                                       .a = SGX_EACCEPT,
                                       .b = operand,
                                       .c = raw_address(&raw, offset)})
        .ret;
}

/* ------------------------------------------------------------------ fork */

static void load_magic_and_answer(void)
{
    CHECK(enter(3, (struct op){.op = OP_LOAD, .a = data()}).ret == MAGIC);
    enter(3, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC + 1});
}

Test(share, a_forked_child_has_the_enclave_of_its_parent)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    expect_success(child(load_magic_and_answer));
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = data()}).ret, MAGIC + 1);
    raw_close(&raw);
}

static void spin_at(unsigned tcs_page)
{
    board->op = (struct op){.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&board->stop, .ret2 = ~0ul};
    board->arrived = 1;
    CHECK(raw_call(&raw, tcs_page, SGX_EENTER, &board->op) == 0);
    CHECK(raw.run.function == SGX_EEXIT);
}

/* From here on the child executes nothing but the enclave's loop. */
static void await_spinning(void)
{
    await(&board->arrived);
    while (*(volatile uint64_t *)&board->op.ret2 != 0)
        sched_yield();
}

static void spin_at_tcs_3(void)
{
    spin_at(3);
}

Test(share, parent_and_child_are_inside_at_once_and_a_tcs_takes_one_of_them)
{
    struct op op = {.op = OP_NOP};
    pid_t pid;

    open_board();
    raw_open(&raw);
    pid = child(spin_at_tcs_3);
    await_spinning();
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP, "its TCS is busy");
    board->stop = 1;
    expect_success(pid);
    raw_do(&raw, 3, op);
    raw_close(&raw);
}

static void *spin_in_thread(void *arg)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)arg};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 9 * SGX_PAGE_SIZE)};

    raw_enter(&op, SGX_EENTER, &run);
    return NULL;
}

Test(share, fork_while_another_thread_is_inside_leaves_that_thread_to_the_parent)
{
    pthread_t thread;

    open_board();
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    pthread_create(&thread, NULL, spin_in_thread, (void *)(uintptr_t)&board->stop);
    while (raw_counters(&raw).enclu[SGX_EENTER] < 2)
        sched_yield();
    expect_success(child(load_magic_and_answer));
    board->stop = 1;
    pthread_join(thread, NULL);
    raw_close(&raw);
}

static volatile bool forking;

static void *enter_all_the_time(void *arg)
{
    while (forking) {
        struct op op = {.op = OP_LOAD, .a = data()};
        struct sgx_enclave_run run = {.tcs = raw_address(&raw, 9 * SGX_PAGE_SIZE)};

        if (raw_enter(&op, SGX_EENTER, &run) != 0 || run.function != SGX_EEXIT)
            return (void *)1;
    }
    return arg;
}

/* Locks that fork finds taken, tables that it finds half changed: whatever it hits. */
Test(share, fork_at_any_moment)
{
    pthread_t thread;
    void *result;

    raw_open(&raw);
    forking = true;
    pthread_create(&thread, NULL, enter_all_the_time, NULL);
    for (int i = 0; i < 60; i++) {
        raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
        expect_success(child(load_magic_and_answer));
    }
    forking = false;
    pthread_join(thread, &result);
    cr_assert_null(result);
    raw_close(&raw);
}

static void syscall_in_the_enclave(void)
{
    struct op op = {.op = OP_SYSCALL};

    CHECK(raw_call(&raw, 3, SGX_EENTER, &op) == 0);
    CHECK(raw.run.exception_vector == SGX_VECTOR_UD);
}

Test(share, a_system_call_in_the_enclave_is_undefined_in_the_child_too)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    expect_success(child(syscall_in_the_enclave));
    raw_close(&raw);
}

/* ------------------------------------------------------------------ what one changes */

static void poll_a_page_of_the_enclave(void)
{
    enter(3, (struct op){.op = OP_LOAD, .a = data()}); /* no faults later than this */
    board->op = (struct op){.op = OP_SPIN, .a = data(), .ret2 = ~0ul};
    board->arrived = 1;
    CHECK(raw_call(&raw, 3, SGX_EENTER, &board->op) == 0);
    CHECK(raw.run.function == SGX_ERESUME);
    CHECK(raw.run.exception_vector == SGX_VECTOR_PF);
    CHECK(raw.run.exception_error_code == 0x8005);
    CHECK(raw.run.exception_addr == data());
}

Test(share, what_one_restricts_is_taken_from_a_thread_of_the_other_that_is_inside)
{
    struct sgx_enclave_restrict_permissions r;
    pid_t pid;

    open_board();
    raw_open(&raw);
    pid = child(poll_a_page_of_the_enclave);
    await_spinning();
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, 0, &r), 0);
    cr_assert_geq(raw_counters(&raw).ipis, 1);
    expect_success(pid);
    cr_assert_eq(
        raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_PR, raw.base + RAW_DATA, NULL),
        SGX_OK, "and it is tracked");
    raw_close(&raw);
}

#define MANY 100u

static void write_pages_before_and_after(void)
{
    struct op op = {.op = OP_STORE, .a = raw_address(&raw, RAW_FREE)};

    CHECK(map_free(MANY, PROT_READ | PROT_WRITE) > 0);
    for (unsigned i = 0; i < MANY; i++)
        enter(3, (struct op){.op = OP_STORE,
                             .a = raw_address(&raw, RAW_FREE + i * SGX_PAGE_SIZE),
                             .b = MAGIC});
    board->arrived = 1;
    await(&board->go);
    CHECK(raw_call(&raw, 9, SGX_EENTER, &op) == 0);
    CHECK(raw.run.exception_vector == SGX_VECTOR_PF);
    CHECK(raw.run.exception_error_code == 0x8007);
}

static void restrict_many(unsigned rounds)
{
    const uint64_t reg = SGX_SECINFO_REG;
    struct sgx_enclave_restrict_permissions r;
    pid_t pid;

    open_board();
    raw_open(&raw);
    cr_assert_gt(map_free(MANY, PROT_READ | PROT_WRITE), 0);
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq(accept_page(0, RW_PENDING, RAW_FREE + i * SGX_PAGE_SIZE), SGX_OK);
    pid = child(write_pages_before_and_after);
    await(&board->arrived);
    for (unsigned round = 0; round < rounds; round++) {
        cr_assert_eq(raw_restrict(&raw, RAW_FREE, MANY * SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
        for (unsigned i = 0; i < MANY; i++)
            cr_assert_eq(
                accept_page(0, reg | SGX_SECINFO_R | SGX_SECINFO_PR, RAW_FREE + i * SGX_PAGE_SIZE),
                SGX_OK);
    }
    board->go = 1;
    expect_success(pid);
    raw_close(&raw);
}

Test(share, what_one_restricts_is_taken_from_the_other_when_it_enters)
{
    restrict_many(1);
}

Test(share, so_it_is_when_the_other_has_missed_more_changes_than_are_kept)
{
    cr_assert_gt(4 * MANY, EPC_CHANGES);
    restrict_many(4);
}

static void add_a_page(void)
{
    CHECK(map_free(1, PROT_READ | PROT_WRITE) > 0);
    CHECK(accept_page(3, RW_PENDING, RAW_FREE) == SGX_OK);
    enter(3, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_FREE), .b = MAGIC});
}

Test(share, a_page_that_the_child_adds_is_there_for_the_parent)
{
    raw_open(&raw);
    expect_success(child(add_a_page));
    cr_assert_gt(map_free(1, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_FREE)}).ret,
                 MAGIC);
    cr_assert_eq(raw_counters(&raw).eaug_faults, 1);
    raw_close(&raw);
}

static void see_the_page_go_and_come(void)
{
    const uint64_t p = raw_address(&raw, RAW_FREE);

    CHECK(map_free(1, PROT_READ | PROT_WRITE) > 0);
    CHECK(enter(3, (struct op){.op = OP_LOAD, .a = p}).ret == MAGIC);
    board->arrived = 1;
    await(&board->go);
    CHECK(accept_page(3, RW_PENDING, RAW_FREE) == SGX_OK);
    CHECK(enter(3, (struct op){.op = OP_LOAD, .a = p}).ret == 0);
    enter(3, (struct op){.op = OP_STORE, .a = p, .b = MAGIC + 1});
}

Test(share, a_page_that_one_removes_is_gone_for_the_other_who_may_add_it_anew)
{
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;
    pid_t pid;

    open_board();
    raw_open(&raw);
    add_a_page();
    pid = child(see_the_page_go_and_come);
    await(&board->arrived);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    cr_assert_eq(accept_page(0, TRIMMED, RAW_FREE), SGX_OK);
    cr_assert_eq(raw_remove(&raw, RAW_FREE, SGX_PAGE_SIZE, &d), 0);
    board->go = 1;
    expect_success(pid);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_FREE)}).ret,
                 MAGIC + 1);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ sockets */

static void map_as_raw_does(void)
{
    const struct {
        unsigned page, pages;
        int prot;
    } rows[] = {{0, 5, PROT_READ | PROT_WRITE},
                {5, 1, PROT_READ | PROT_EXEC},
                {6, 5, PROT_READ | PROT_WRITE}};

    for (unsigned i = 0; i < 3; i++)
        CHECK(sgx2_mmap(raw.base + rows[i].page * SGX_PAGE_SIZE, rows[i].pages * SGX_PAGE_SIZE,
                        rows[i].prot, MAP_SHARED | MAP_FIXED, raw.fd, 0) > 0);
}

/* A process that never saw the device takes over an enclave between ADD_PAGES and INIT. */
static void initialise_what_is_sent(void)
{
    const int fd = pass_receive();

    raw = board->raw;
    raw.fd = fd;
    CHECK(raw_init(&raw) == 0);
    map_as_raw_does();
    enter(0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    board->arrived = 1;
    await(&board->go);
    load_magic_and_answer();
}

Test(share, a_descriptor_sent_over_a_socket_is_the_enclave)
{
    pid_t pid;

    open_board();
    pass_open();
    pid = child(initialise_what_is_sent);
    raw_build(&raw);
    board->raw = raw;
    pass_send(raw.fd);
    await(&board->arrived);
    cr_assert_eq(raw_init(&raw), -EINVAL, "it is initialised");
    raw_map(&raw);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = data()}).ret, MAGIC);
    board->go = 1;
    expect_success(pid);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = data()}).ret, MAGIC + 1);
    raw_close(&raw);
}

static void hold_and_send_back(void)
{
    await(&board->go);
    enter(3, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    pass_send(raw.fd);
}

Test(share, the_enclave_lives_as_long_as_any_process_has_it)
{
    pid_t pid;

    open_board();
    pass_open();
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    pid = child(hold_and_send_back);
    raw_close(&raw);
    cr_assert_null(enclave_by_tcs(raw_address(&raw, 0)));
    board->go = 1;
    expect_success(pid);
    raw.fd = pass_receive();
    raw_map(&raw);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = data()}).ret, MAGIC);
    raw_close(&raw);
}

/* The device opened read-only, sent: the receiver can do what its descriptor allows, no more. */
static void map_a_read_only_descriptor(void)
{
    const int fd = pass_receive();
    uint64_t code;

    CHECK(sgx2_ioctl(fd, SGX2_MODEL_EINIT_CODE, &code) == 0);
    CHECK(sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_WRITE, MAP_SHARED, fd, 0) == -EACCES);
    CHECK(sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0) > 0);
}

Test(share, a_read_only_descriptor_stays_one)
{
    const int fd = sgx2_open("/dev/sgx_enclave", O_RDONLY);
    pid_t pid;

    pass_open();
    pid = child(map_a_read_only_descriptor);
    pass_send(fd);
    expect_success(pid);
    sgx2_close(fd);
}

Test(share, no_other_file_is_taken_for_an_enclave)
{
    const int file = memfd_create("sgx_enclave", 0), null = open("/dev/null", O_RDWR);
    char zeros[65536] = {0};

    cr_assert_eq(write(file, zeros, sizeof zeros), sizeof zeros);
    raw_open(&raw);
    cr_assert_eq(sgx2_ioctl(file, SGX_IOC_ENCLAVE_CREATE, NULL), -ENOTTY);
    cr_assert_eq(sgx2_ioctl(null, SGX_IOC_ENCLAVE_CREATE, NULL), -ENOTTY);
    cr_assert_eq(sgx2_ioctl(1234, SGX_IOC_ENCLAVE_CREATE, NULL), -EBADF);
    cr_assert_eq(sgx2_ioctl(-1, SGX_IOC_ENCLAVE_CREATE, NULL), -EBADF);
    raw_close(&raw);
}

Test(share, exec_keeps_a_descriptor_only_if_it_was_opened_so)
{
    const int closing = sgx2_open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    const int keeping = sgx2_open("/dev/sgx_enclave", O_RDWR);

    cr_assert_eq(fcntl(closing, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fcntl(keeping, F_GETFD), 0);
    cr_assert_eq(fcntl(enclave_by_fd(keeping)->fd, F_GETFD), FD_CLOEXEC, "the model's own");
    sgx2_close(closing);
    sgx2_close(keeping);
}

/* ------------------------------------------------------------------ death */

static void die_with_the_lock(void)
{
    enclave_lock(enclave_by_fd(raw.fd));
}

Test(share, a_process_that_dies_with_the_lock_holds_nobody_up)
{
    raw_open(&raw);
    expect_success(child(die_with_the_lock));
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data(), .b = MAGIC});
    expect_success(child(load_magic_and_answer));
    raw_close(&raw);
}

static void die_in_an_ioctl(void)
{
    struct enclave *e = enclave_by_fd(raw.fd);

    enclave_lock(e);
    enclave_unlock(e);
    e->file->ioctl_owner = e->process;
}

static void keep_an_ioctl(void)
{
    die_in_an_ioctl();
    board->arrived = 1;
    await(&board->go);
}

Test(share, an_ioctl_of_a_process_that_died_is_over_and_one_of_a_living_process_is_not)
{
    struct sgx_enclave_restrict_permissions r;
    pid_t pid;

    open_board();
    raw_open(&raw);
    expect_success(child(die_in_an_ioctl));
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    pid = child(keep_an_ioctl);
    await(&board->arrived);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), -EBUSY);
    board->go = 1;
    expect_success(pid);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    raw_close(&raw);
}

static void spin_at_tcs_0(void)
{
    spin_at(0);
}

static void kill_a_child_inside(void)
{
    pid_t pid;

    open_board();
    raw_open(&raw);
    pid = child(spin_at_tcs_0);
    await_spinning();
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(share, a_thread_that_died_inside_has_left_by_an_asynchronous_exit)
{
    struct op op = {.op = OP_NOP};

    kill_a_child_inside();
    op = raw_do(&raw, 0, op);
    cr_assert_eq(op.ret2, 1, "CSSA");
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP, "its registers died with it");
    raw_close(&raw);
}

Test(share, a_thread_that_died_inside_is_not_waited_for)
{
    struct sgx_enclave_restrict_permissions r;

    kill_a_child_inside();
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR,
                          raw.base + RAW_DATA, NULL),
                 SGX_OK);
    raw_close(&raw);
}
