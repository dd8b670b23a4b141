/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/sgx_provision: a capability, and nothing else.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "pass.h"
#include "raw.h"

static struct raw raw;

static void create(uint64_t attributes)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));

    memset(&raw, 0, sizeof raw);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    secs = (struct sgx_secs){
        .size = RAW_SIZE,
        .base = (uint64_t)(uintptr_t)raw_reserve(RAW_SIZE),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT | attributes, .xfrm = SGX_XFRM_LEGACY},
    };
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
}

static int provision(int fd)
{
    struct sgx_enclave_provision arg = {.fd = (uint64_t)fd};

    return sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_PROVISION, &arg);
}

Test(provision, an_open_descriptor_permits_the_provisioning_key)
{
    const int token = sgx2_open("/dev/sgx_provision", O_RDONLY);

    cr_assert_geq(token, 0);
    create(SGX_ATTR_PROVISIONKEY);
    cr_assert_eq(raw_init(&raw), -EACCES);
    cr_assert_eq(provision(token), 0);
    cr_assert_eq(raw_init(&raw), -EPERM, "now it is EINIT that refuses: nothing is signed");
    sgx2_close(token);
    sgx2_close(raw.fd);
}

Test(provision, before_create_it_is_lost)
{
    const int token = sgx2_open("/dev/sgx_provision", O_RDONLY);
    const int fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    static struct sgx_secs secs __attribute__((aligned(4096)));

    raw.fd = fd;
    cr_assert_eq(provision(token), 0, "in any state");
    secs = (struct sgx_secs){
        .size = RAW_SIZE,
        .base = (uint64_t)(uintptr_t)raw_reserve(RAW_SIZE),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY,
                       .xfrm = SGX_XFRM_LEGACY},
    };
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    cr_assert_eq(raw_init(&raw), -EACCES);
    sgx2_close(fd);
    sgx2_close(token);
}

Test(provision, another_file_is_no_token)
{
    create(0);
    cr_assert_eq(provision(raw.fd), -EINVAL, "the enclave itself");
    cr_assert_eq(provision(open("/dev/null", O_RDWR)), -EINVAL);
    cr_assert_eq(provision(memfd_create("sgx_other", 0)), -EINVAL);
    cr_assert_eq(provision(-1), -EINVAL);
    cr_assert_eq(provision(12345), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_PROVISION, NULL), -EFAULT);
    sgx2_close(raw.fd);
}

Test(provision, a_closed_descriptor_permits_nothing)
{
    const int token = sgx2_open("/dev/sgx_provision", O_RDWR);

    create(0);
    sgx2_close(token);
    cr_assert_eq(provision(token), -EINVAL);
    sgx2_close(raw.fd);
}

Test(provision, the_token_has_no_file_operations)
{
    const int token = sgx2_open("/dev/sgx_provision", O_RDWR | O_CLOEXEC);
    uint64_t word = 0;

    cr_assert_eq(fcntl(token, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(sgx2_ioctl(token, SGX_IOC_ENCLAVE_CREATE, &word), -ENOTTY);
    cr_assert_eq(sgx2_mmap(NULL, SGX_PAGE_SIZE, PROT_READ, MAP_SHARED, token, 0), -ENODEV);
    sgx2_close(token);
}

Test(provision, a_token_sent_over_a_socket_is_one, .timeout = 60)
{
    pid_t pid;
    int token, status = -1;

    pass_open();
    pid = fork();
    if (pid == 0) {
        pass_send(sgx2_open("/dev/sgx_provision", O_RDONLY));
        _exit(0);
    }
    token = pass_receive();
    create(SGX_ATTR_PROVISIONKEY);
    cr_assert_eq(provision(token), 0);
    cr_assert_eq(raw_init(&raw), -EPERM);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    sgx2_close(raw.fd);
}
