/* SPDX-License-Identifier: Apache-2.0 */
#include "aperture/urts.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "arch/leaf.h"
#include "enclave_file.h"
#include "fake_os.h"

static struct ap_enclave *const untouched = (struct ap_enclave *)0x77;
static struct ap_enclave *enclave;
static struct ap_error error;

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static sgx_status_t create_file(const char *path)
{
    struct ap_options options = {.os = fake_os()};

    enclave = untouched;
    return ap_enclave_create(path, &options, &enclave, &error);
}

static sgx_status_t create(const struct enclave_file *how)
{
    const char *path = enclave_file_write(how);
    sgx_status_t status = create_file(path);

    unlink(path);
    return status;
}

static void expect_refusal(sgx_status_t got, sgx_status_t status, const char *word)
{
    cr_assert_eq(got, status, "%s", error.text);
    cr_assert_eq(error.status, status);
    cr_assert_not_null(strstr(error.text, word), "%s", error.text);
    cr_assert_eq(enclave, untouched, "nothing is returned");
    cr_assert_eq(fake.open_files, 0);
    cr_assert_eq(fake.mapped, 0);
}

static struct fake_entry first;

static struct fake_exit note_entry(const struct fake_entry *entry)
{
    first = *entry;
    return (struct fake_exit){.function = SGX_EEXIT};
}

Test(enclave, creation_ends_with_the_runtimes_own_initialisation_on_the_first_slot)
{
    struct ap_layout l;

    enclave_file_layout(&(struct enclave_file){0}, &l);
    fake.enclave = note_entry;
    cr_assert_eq(create(&(struct enclave_file){0}), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(fake.entries, 1);
    cr_assert_eq((int64_t)first.rdi, AP_ENTER_INIT);
    cr_assert_neq(first.rdx, 0);
    cr_assert_eq(first.tcs,
                 (uint64_t)ap_enclave_base(enclave) + l.slots.offset + l.slots.tcs_offset);
    ap_enclave_destroy(enclave);
}

Test(enclave, what_was_created_can_be_asked_about_and_is_gone_after_destruction)
{
    int before = open_descriptors();

    cr_assert_eq(create(&(struct enclave_file){0}), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(ap_enclave_fd(enclave), FAKE_FD);
    cr_assert_eq(ap_enclave_base(enclave), (void *)fake.base);
    cr_assert_eq(ap_enclave_size(enclave), 0x400000);
    cr_assert_str_eq(ap_enclave_device(enclave), "fake");
    cr_assert_str_eq(ap_enclave_crash(enclave), "");
    ap_enclave_destroy(enclave);
    cr_assert_eq(fake.open_files, 0);
    cr_assert_eq(fake.mapped, 0);
    cr_assert_eq(open_descriptors(), before);
}

Test(enclave, destroying_nothing_does_nothing)
{
    ap_enclave_destroy(NULL);
}

Test(enclave, a_file_that_is_not_there_is_refused_by_name)
{
    expect_refusal(create_file("/nowhere/enclave.signed"), SGX_ERROR_ENCLAVE_FILE_ACCESS,
                   "/nowhere/enclave.signed");
    cr_assert_eq(error.os_error, -ENOENT);
}

Test(enclave, a_file_that_is_no_enclave_is_refused_by_name)
{
    expect_refusal(create_file("/proc/self/exe"), SGX_ERROR_INVALID_ENCLAVE, "/proc/self/exe");
}

Test(enclave, an_unsigned_file_is_refused_with_the_remedy)
{
    expect_refusal(create(&(struct enclave_file){.is_unsigned = true}), SGX_ERROR_INVALID_ENCLAVE,
                   "ap-sign sign");
}

Test(enclave, a_refusal_of_the_device_reaches_the_caller)
{
    fake.fail_request = SGX_IOC_ENCLAVE_INIT;
    fake.fail_errno = -EPERM;
    fake.einit_code = 8;
    expect_refusal(create(&(struct enclave_file){0}), SGX_ERROR_INVALID_SIGNATURE,
                   "SGX_INVALID_SIGNATURE");
    cr_assert_eq(error.os_error, -EPERM);
}

Test(enclave, an_unknown_device_name_is_refused)
{
    const char *path = enclave_file_write(&(struct enclave_file){0});

    setenv("APERTURE_DEVICE", "quantum", 1);
    enclave = untouched;
    expect_refusal(ap_enclave_create(path, NULL, &enclave, &error), SGX_ERROR_INVALID_PARAMETER,
                   "auto, kernel or model");
    unlink(path);
}

static struct fake_exit refuse_to_initialise(const struct fake_entry *entry)
{
    (void)entry;
    return (struct fake_exit){.function = SGX_EEXIT, .rsi = SGX_ERROR_HOST};
}

Test(enclave, a_runtime_that_does_not_initialise_is_unloaded_again)
{
    fake.enclave = refuse_to_initialise;
    expect_refusal(create(&(struct enclave_file){0}), SGX_ERROR_HOST, "0xa002");
}

static struct fake_exit crash_at_once(const struct fake_entry *entry)
{
    (void)entry;
    if (fake.entries == 1)
        return (struct fake_exit){.function = SGX_ERESUME, .vector = 6};
    return (struct fake_exit){.function = SGX_EEXIT, .rdi = AP_EXIT_EXCEPTION, .rsi = 1};
}

Test(enclave, a_crash_during_initialisation_names_its_cause)
{
    fake.enclave = crash_at_once;
    expect_refusal(create(&(struct enclave_file){0}), SGX_ERROR_ENCLAVE_CRASHED, "#UD");
}

Test(enclave, missing_arguments_are_refused)
{
    enclave = untouched;
    expect_refusal(ap_enclave_create(NULL, NULL, &enclave, &error), SGX_ERROR_INVALID_PARAMETER,
                   "NULL");
    cr_assert_eq(ap_enclave_create("x", NULL, NULL, NULL), SGX_ERROR_INVALID_PARAMETER);
}

Test(enclave, a_successful_creation_leaves_the_error_alone)
{
    memset(&error, 0x55, sizeof error);
    cr_assert_eq(create(&(struct enclave_file){0}), SGX_SUCCESS);
    cr_assert_eq(error.text[0], 0x55);
    ap_enclave_destroy(enclave);
}

/* ------------------------------------------------------------------ destruction in use */

static pthread_barrier_t inside;
static volatile bool is_out;

static struct fake_exit linger(const struct fake_entry *entry)
{
    if ((int64_t)entry->rdi != AP_ENTER_INIT) {
        pthread_barrier_wait(&inside);
        usleep(50000);
        is_out = true;
    }
    return (struct fake_exit){.function = SGX_EEXIT};
}

static void *call_in(void *arg)
{
    ap_ecall(arg, 0, NULL, NULL);
    return NULL;
}

Test(enclave, destruction_waits_for_a_thread_that_is_still_inside)
{
    pthread_t thread;

    pthread_barrier_init(&inside, NULL, 2);
    fake.enclave = linger;
    cr_assert_eq(create(&(struct enclave_file){0}), SGX_SUCCESS);
    pthread_create(&thread, NULL, call_in, enclave);
    pthread_barrier_wait(&inside);
    ap_enclave_destroy(enclave);
    cr_assert(is_out);
    pthread_join(thread, NULL);
}

static struct fake_exit ocall_once(const struct fake_entry *entry)
{
    bool ask = entry->rdi == 0;

    return (struct fake_exit){.function = SGX_EEXIT, .rdi = ask ? AP_EXIT_OCALL : AP_EXIT_RETURN};
}

static sgx_status_t destroy_from_within(void *ms)
{
    (void)ms;
    ap_enclave_destroy(enclave);
    return SGX_SUCCESS;
}

Test(enclave, destruction_from_an_ocall_of_its_own_stops_the_program, .signal = SIGABRT)
{
    ap_ocall_fn *const fn[] = {destroy_from_within};
    struct ap_ocall_table t = {1, fn};

    fake.enclave = ocall_once;
    cr_assert_eq(create(&(struct enclave_file){0}), SGX_SUCCESS);
    ap_ecall(enclave, 0, &t, NULL);
}
