/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "author.h"
#include "misrule.h"
#include "model.h"
#include "raw.h"

static const uint64_t rw = SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W;
static uint8_t page[SGX_PAGE_SIZE] __attribute__((aligned(4096)));
static struct raw raw;

static uint64_t einit_code(void)
{
    uint64_t code = 0;

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EINIT_CODE, &code), 0);
    return code;
}

static void secs_for(struct sgx_secs *secs, uint64_t size)
{
    memset(secs, 0, sizeof *secs);
    secs->size = size;
    secs->base = (uint64_t)(uintptr_t)raw_reserve(size);
    secs->ssa_frame_size = 1;
    secs->attributes.flags = SGX_ATTR_MODE64BIT;
    secs->attributes.xfrm = SGX_XFRM_LEGACY;
}

Test(device, opens_nothing_but_the_enclave_device)
{
    cr_assert_eq(sgx2_open("/dev/null", O_RDWR), -ENOENT);
    cr_assert_eq(sgx2_open("/dev/sgx_vepc", O_RDWR), -ENOENT);
}

Test(device, knows_no_other_ioctl)
{
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, 0xa4ff, NULL), -ENOTTY);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_VEPC_REMOVE_ALL, NULL), -ENOTTY);
    sgx2_close(raw.fd);
}

Test(device, takes_a_request_that_was_kept_in_an_int)
{
    const int request = (int)SGX_IOC_ENCLAVE_ADD_PAGES;

    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, (unsigned long)(long)request, NULL), -EINVAL, "no CREATE yet");
    sgx2_close(raw.fd);
}

static int added;

static void *add_while_the_rule_waits(void *arg)
{
    (void)arg;
    added = raw_add(&raw, RAW_FREE, page, rw, true);
    return NULL;
}

Test(device, stays_until_the_ioctl_under_way_has_ended)
{
    pthread_t thread;

    raw_build(&raw);
    misrule(raw.fd, "on add do delay 300\n");
    cr_assert_eq(pthread_create(&thread, NULL, add_while_the_rule_waits, NULL), 0);
    usleep(100000);
    cr_assert_eq(sgx2_close(raw.fd), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(added, 0);
}

Test(create, refuses_a_bad_argument_or_a_bad_secs)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));

    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_CREATE, NULL), -EFAULT);
    cr_assert_eq(raw_ioctl_create(&raw, NULL), -EFAULT);
    secs_for(&secs, RAW_SIZE);
    secs.size = RAW_SIZE + SGX_PAGE_SIZE;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), -EINVAL, "no power of two");
    secs.size = SGX_PAGE_SIZE;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), -EIO, "too small for ECREATE");
    secs_for(&secs, RAW_SIZE);
    secs.base += SGX_PAGE_SIZE;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), -EIO, "not aligned to its size");
    secs_for(&secs, RAW_SIZE);
    secs.attributes.flags |= SGX_ATTR_INIT;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), -EIO, "INIT set");
    secs_for(&secs, RAW_SIZE);
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0, "a failed CREATE may be tried again");
    cr_assert_eq(raw_ioctl_create(&raw, &secs), -EINVAL, "only once");
    sgx2_close(raw.fd);
}

Test(add_pages, refuses_before_create_and_after_init)
{
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    cr_assert_eq(raw_add(&raw, 0, page, rw, true), -EINVAL);
    sgx2_close(raw.fd);
    raw_open(&raw);
    cr_assert_eq(raw_add(&raw, RAW_FREE, page, rw, true), -EINVAL);
    raw_close(&raw);
}

Test(add_pages, refuses_what_linux_refuses)
{
    struct sgx_secinfo secinfo = {.flags = rw};
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)(uintptr_t)page,
        .offset = RAW_FREE,
        .length = SGX_PAGE_SIZE,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
    };
    struct sgx_enclave_add_pages bad;
    const uint64_t flags[] = {
        SGX_SECINFO_REG | SGX_SECINFO_W, /* W without R */
        SGX_SECINFO_TCS | SGX_SECINFO_R, /* a TCS has none */
        SGX_SECINFO_PT(SGX_PT_SECS),     /* types */
        SGX_SECINFO_PT(SGX_PT_VA),       SGX_SECINFO_TRIM,    rw | SGX_SECINFO_PENDING,
        rw | SGX_SECINFO_MODIFIED,       rw | SGX_SECINFO_PR, rw | UINT64_C(1) << 40, /* reserved */
    };

    raw_build(&raw);
#define REFUSED(field, value, error)                                                               \
    do {                                                                                           \
        bad = add;                                                                                 \
        bad.field = (value);                                                                       \
        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &bad), -(error));               \
        cr_assert_eq(bad.count, 0);                                                                \
    } while (0)
    REFUSED(src, add.src + 1, EINVAL);
    REFUSED(offset, 1, EINVAL);
    REFUSED(offset, RAW_SIZE, EINVAL);
    REFUSED(offset, UINT64_C(0) - SGX_PAGE_SIZE, EINVAL);
    REFUSED(length, 0, EINVAL);
    REFUSED(length, 1, EINVAL);
    REFUSED(length, RAW_SIZE, EINVAL);
    REFUSED(secinfo, 8, EFAULT);
    REFUSED(src, UINT64_C(1) << 46, EFAULT);
    REFUSED(offset, 0, EBUSY);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        secinfo.flags = flags[i];
        cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EINVAL, "%zu", i);
    }
    secinfo = (struct sgx_secinfo){.flags = rw};
    secinfo.reserved[55] = 1;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EINVAL);
    raw_close(&raw);
}

Test(add_pages, takes_no_source_from_enclave_memory)
{
    raw_build(&raw);
    raw_map(&raw);
    cr_assert_eq(raw_add(&raw, RAW_FREE, raw.base + RAW_DATA, rw, true), -EFAULT);
    *(volatile uint8_t *)(raw.base + RAW_DATA); /* no less once the page is there */
    cr_assert_eq(raw_add(&raw, RAW_FREE, raw.base + RAW_DATA, rw, true), -EFAULT);
    cr_assert_eq(raw_add(&raw, RAW_FREE, page, rw, true), 0);
    raw_close(&raw);
}

static volatile bool adding;

static pthread_t adder;

static void *send(void *arg)
{
    const int *sig = arg;

    while (adding) {
        pthread_kill(adder, *sig);
        usleep(5);
    }
    return NULL;
}

/* How many of 192 pages one call adds while sig comes all the time. */
static unsigned added_under(int sig)
{
    const uint64_t size = 192 * SGX_PAGE_SIZE;
    struct sgx_secinfo secinfo = {.flags = rw};
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)(uintptr_t)mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        .offset = RAW_FREE,
        .length = size,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
        .flags = SGX_PAGE_MEASURE,
    };
    pthread_t sender;

    raw_build(&raw);
    adding = true;
    adder = pthread_self();
    cr_assert_eq(pthread_create(&sender, NULL, send, &sig), 0);
    usleep(1000);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), 0);
    adding = false;
    pthread_join(sender, NULL);
    raw_close(&raw);
    munmap((void *)(uintptr_t)add.src, size);
    return (unsigned)(add.count >> SGX_PAGE_SHIFT);
}

Test(add_pages, does_not_stop_for_signals_that_are_ignored)
{
    sigset_t mask;

    signal(SIGUSR1, SIG_IGN);
    cr_assert_eq(added_under(SIGUSR1), 192);
    cr_assert_eq(added_under(SIGWINCH), 192, "ignored by default");
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    cr_assert_eq(added_under(SIGUSR2), 192, "blocked");
}

Test(add_pages, counts_what_was_added_before_a_failure)
{
    struct sgx_secinfo secinfo = {.flags = rw};
    uint8_t *three =
        mmap(NULL, 3 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)(uintptr_t)three,
        .offset = RAW_FREE,
        .length = 3 * SGX_PAGE_SIZE,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
    };

    raw_build(&raw);
    munmap(three + 2 * SGX_PAGE_SIZE, SGX_PAGE_SIZE);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add), -EFAULT);
    cr_assert_eq(add.count, 2 * SGX_PAGE_SIZE);
    raw_close(&raw);
    munmap(three, 2 * SGX_PAGE_SIZE);
}

/* EINIT's refusals, each by its own code behind the one errno that Linux has for them. */
static void expect_init(int result, uint64_t code)
{
    cr_assert_eq(raw_init(&raw), result);
    cr_assert_eq(einit_code(), code, "EINIT code %llu", (unsigned long long)einit_code());
}

Test(init, tells_a_wrong_measurement_from_a_wrong_signature)
{
    raw_build(&raw);
    raw.sig.enclave_hash[0] ^= 1;
    expect_init(-EPERM, SGX_INVALID_SIGNATURE);
    author_sign(&raw.sig, 0);
    expect_init(-EPERM, SGX_INVALID_MEASUREMENT);
    raw.sig.enclave_hash[0] ^= 1;
    author_sign(&raw.sig, 1);
    cr_assert_eq(raw_init(&raw), 0, "a failed INIT may be tried again");
    cr_assert_eq(raw_init(&raw), -EINVAL, "only once");
    raw_close(&raw);
}

Test(init, refuses_a_flipped_bit_in_signature_q1_and_q2)
{
    raw_build(&raw);
    raw.sig.signature[100] ^= 4;
    expect_init(-EPERM, SGX_INVALID_SIGNATURE);
    raw.sig.signature[100] ^= 4;
    raw.sig.q1[0] ^= 1;
    expect_init(-EPERM, SGX_INVALID_SIGNATURE);
    raw.sig.q1[0] ^= 1;
    raw.sig.q2[383] ^= 0x80;
    expect_init(-EPERM, SGX_INVALID_SIGNATURE);
    raw.sig.q2[383] ^= 0x80;
    raw.sig.modulus[7] ^= 1;
    expect_init(-EPERM, SGX_INVALID_SIGNATURE);
    raw_close(&raw);
}

Test(init, refuses_what_linux_refuses_before_the_processor_sees_it)
{
    struct sgx_enclave_init init = {.sigstruct = 8};

    raw_build(&raw);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_INIT, NULL), -EFAULT);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_INIT, &init), -EFAULT);
    raw.sig.vendor = 1;
    cr_assert_eq(raw_init(&raw), -EINVAL);
    raw.sig.vendor = 0;
    raw.sig.attributes.flags |= UINT64_C(1) << 33;
    cr_assert_eq(raw_init(&raw), -EINVAL, "an attribute that no platform has");
    raw.sig.attributes.flags &= ~(UINT64_C(1) << 33);
    raw.sig.miscselect |= 0x80000000;
    cr_assert_eq(raw_init(&raw), -EINVAL);
    raw.sig.miscselect &= ~0x80000000;
    raw.sig.attributes.xfrm |= UINT64_C(1) << 62;
    cr_assert_eq(raw_init(&raw), -EINVAL);
    raw.sig.attributes.xfrm &= ~(UINT64_C(1) << 62);
    raw.sig.attributes.flags |= SGX_ATTR_INIT;
    raw.sig.attribute_mask.flags |= SGX_ATTR_INIT;
    cr_assert_eq(raw_init(&raw), -EINVAL, "nobody can set INIT");
    cr_assert_eq(raw_counters(&raw).encls[SGX_EINIT], 0);
    raw_close(&raw);
}

Test(init, wants_the_provisioning_capability)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    struct sgx_enclave_provision provision = {.fd = 0};

    memset(&raw, 0, sizeof raw);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    secs_for(&secs, RAW_SIZE);
    secs.attributes.flags |= SGX_ATTR_PROVISIONKEY;
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    cr_assert_eq(raw_init(&raw), -EACCES);
    provision.fd = (uint64_t)open("/dev/null", O_RDONLY);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_PROVISION, &provision), -EINVAL);
    provision.fd = 9999;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_PROVISION, &provision), -EINVAL);
    sgx2_close(raw.fd);
}
