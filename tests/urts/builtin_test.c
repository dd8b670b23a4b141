/* SPDX-License-Identifier: Apache-2.0 */
#include "builtin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_os.h"
#include "touch.h"

#define PAGE  UINT64_C(4096)
#define PAGES 16

/* Pages 0-1 r, 2-5 rw, 8-11 rwx; the others are guards. */
static struct area areas[] = {
    {0, 2 * PAGE, PROT_READ},
    {2 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE},
    {8 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC},
};
static struct loaded enclave;

static void set_up(void)
{
    const struct os *os = fake_os();
    void *base = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    fake.base = (uint64_t)base;
    enclave = (struct loaded){os, FAKE_FD, fake.base, PAGES * PAGE, {3, areas}};
    for (size_t i = 0; i < 3; i++)
        os->mmap((char *)base + areas[i].offset, areas[i].size, areas[i].prot,
                 MAP_SHARED | MAP_FIXED, FAKE_FD, 0);
    cr_assert_eq(touch_guard_install(), 0);
}

TestSuite(builtin, .init = set_up);

static int64_t ask(int index, uint64_t offset, uint64_t size, uint64_t perm)
{
    struct ap_ocall_pages p = {offset, size, perm, 12345};

    cr_assert_eq(builtin_serve(&enclave, index, &p), SGX_SUCCESS);
    cr_assert_neq(p.result, 12345, "there is always an answer");
    return p.result;
}

Test(builtin, requests_that_are_not_whole_pages_within_elrange_are_refused)
{
    static const struct {
        uint64_t offset, size, perm;
    } rows[] = {
        {1, PAGE, 1},
        {0, PAGE - 1, 1},
        {0, 0, 1},
        {PAGES * PAGE, PAGE, 1},
        {(PAGES - 1) * PAGE, 2 * PAGE, 1},
        {0, UINT64_MAX - PAGE + 1, 1},
        {UINT64_MAX - PAGE + 1, 2 * PAGE, 1},
        {UINT64_MAX - PAGE + 1, PAGE, 1},
    };

    for (int index = AP_OCALL_PROTECT; index < 0; index++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            cr_assert_eq(ask(index, rows[i].offset, rows[i].size, rows[i].perm), -EINVAL,
                         "ocall %d row %zu", index, i);
    }
    cr_assert_eq(fake_count(FAKE_MPROTECT), 0);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS), 0);
}

Test(builtin, permissions_that_are_none_are_refused)
{
    cr_assert_eq(ask(AP_OCALL_RESTRICT, 0, PAGE, 8), -EINVAL);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 0, PAGE, UINT64_C(1) << 32), -EINVAL);
}

Test(builtin, an_ocall_that_does_not_exist_is_refused_unread)
{
    cr_assert_eq(builtin_serve(&enclave, -4, NULL), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(builtin_serve(&enclave, INT32_MIN, NULL), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(builtin_serve(&enclave, 0, NULL), SGX_ERROR_INVALID_FUNCTION);
}

static int resident(uint64_t page)
{
    unsigned char there;

    cr_assert_eq(mincore((void *)(enclave.base + page * PAGE), PAGE, &there), 0);
    return there & 1;
}

Test(builtin, touch_reads_every_page_of_the_range_and_no_other)
{
    cr_assert_eq(ask(AP_OCALL_TOUCH, 3 * PAGE, 2 * PAGE, ~UINT64_C(0)), 0);
    cr_assert(!resident(2));
    cr_assert(resident(3));
    cr_assert(resident(4));
    cr_assert(!resident(5));
}

Test(builtin, touching_what_the_kernel_cannot_give_is_an_answer_and_the_process_lives)
{
    fake.no_epc = true;
    enclave.os->mmap((void *)(enclave.base + 8 * PAGE), 4 * PAGE, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, FAKE_FD, 0);
    cr_assert_eq(ask(AP_OCALL_TOUCH, 8 * PAGE, 4 * PAGE, 0), -EFAULT);
    cr_assert_eq(ask(AP_OCALL_TOUCH, 2 * PAGE, PAGE, 0), 0);
}

Test(builtin, a_guard_is_not_touched)
{
    cr_assert_eq(ask(AP_OCALL_TOUCH, 6 * PAGE, PAGE, 0), -EFAULT);
    cr_assert_eq(ask(AP_OCALL_TOUCH, 5 * PAGE, 2 * PAGE, 0), -EFAULT);
    cr_assert(!resident(5), "nor anything of a range that meets one");
}

Test(builtin, restrict_asks_the_kernel_for_exactly_that)
{
    const struct fake_event *e = &fake.log[fake.events];

    cr_assert_eq(ask(AP_OCALL_RESTRICT, 2 * PAGE, 3 * PAGE, 1), 0);
    cr_assert_eq(e->request, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS);
    cr_assert_eq(e->offset, 2 * PAGE);
    cr_assert_eq(e->size, 3 * PAGE);
    cr_assert_eq(e->flags, 1);
}

Test(builtin, restrict_goes_on_where_a_busy_kernel_stopped)
{
    const struct fake_event *e = &fake.log[fake.events];

    fake.busy = 2;
    cr_assert_eq(ask(AP_OCALL_RESTRICT, 2 * PAGE, 3 * PAGE, 1), 0);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS), 3);
    cr_assert_eq(e[1].offset, 3 * PAGE);
    cr_assert_eq(e[2].offset, 4 * PAGE);
    cr_assert_eq(e[2].size, PAGE);
}

Test(builtin, restrict_passes_a_refusal_on_at_once)
{
    fake.fail_request = SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS;
    fake.fail_errno = -EFAULT;
    cr_assert_eq(ask(AP_OCALL_RESTRICT, 2 * PAGE, PAGE, 1), -EFAULT);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS), 1);
}

static unsigned asked;

static int always_busy(int fd, unsigned long request, void *argument)
{
    (void)fd, (void)request, (void)argument;
    asked++;
    return -EAGAIN;
}

static int claims_too_much(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_restrict_permissions *args = argument;

    (void)fd, (void)request;
    args->count = args->length + PAGE;
    return 0;
}

Test(builtin, a_kernel_that_stays_busy_is_given_up_on)
{
    struct os os = *fake_os();

    os.ioctl = always_busy;
    enclave.os = &os;
    cr_assert_eq(ask(AP_OCALL_RESTRICT, 2 * PAGE, PAGE, 1), -EAGAIN);
    cr_assert_gt(asked, 100);
}

Test(builtin, a_count_beyond_the_range_is_refused)
{
    struct os os = *fake_os();

    os.ioctl = claims_too_much;
    enclave.os = &os;
    cr_assert_eq(ask(AP_OCALL_RESTRICT, 2 * PAGE, PAGE, 1), -EPROTO);
}

Test(builtin, protect_stays_under_the_mappings_ceiling)
{
    cr_assert_eq(ask(AP_OCALL_PROTECT, 8 * PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 2 * PAGE, PAGE, PROT_READ), 0);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 2 * PAGE, PAGE, PROT_NONE), 0);
    cr_assert_eq(fake_count(FAKE_MPROTECT), 3);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 2 * PAGE, PAGE, PROT_READ | PROT_EXEC), -EACCES);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 1 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE), -EACCES);
    cr_assert_eq(fake_count(FAKE_MPROTECT), 3);
}

Test(builtin, protect_does_not_open_a_guard)
{
    cr_assert_eq(ask(AP_OCALL_PROTECT, 6 * PAGE, PAGE, PROT_READ), -EFAULT);
    cr_assert_eq(ask(AP_OCALL_PROTECT, 5 * PAGE, 2 * PAGE, PROT_READ), -EFAULT);
    cr_assert_eq(fake_count(FAKE_MPROTECT), 0);
}
