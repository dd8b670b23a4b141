/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader lies about the enclave as a whole, its signature, or what the machine did and can do.
 */
#include <errno.h>
#include <stdlib.h>

#include "arch/secs.h"
#include "arch/sigstruct.h"
#include "seam.h"

/* ------------------------------------------------------------------ SECS */

static void (*spoil_secs)(struct sgx_secs *secs);

static int with_other_secs(int fd, unsigned long request, void *argument)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    struct sgx_enclave_create create = {.src = (uintptr_t)&secs};

    if (request != SGX_IOC_ENCLAVE_CREATE)
        return seam_pass(fd, request, argument);
    secs = *(const struct sgx_secs *)(uintptr_t)((struct sgx_enclave_create *)argument)->src;
    spoil_secs(&secs);
    return seam_pass(fd, request, &create);
}

static void larger_ssa(struct sgx_secs *secs)
{
    secs->ssa_frame_size++;
}

static void no_exinfo(struct sgx_secs *secs)
{
    secs->miscselect = 0;
}

static void key_separation(struct sgx_secs *secs)
{
    secs->attributes.flags |= SGX_ATTR_KSS;
}

static void thirty_two_bit(struct sgx_secs *secs)
{
    secs->attributes.flags &= ~SGX_ATTR_MODE64BIT;
}

Test(platform, a_save_area_of_another_size_is_refused)
{
    spoil_secs = larger_ssa;
    seam_expect_refusal(seam_create(heap39_file, with_other_secs, false),
                        SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

static void expect_other_attributes(void (*spoil)(struct sgx_secs *))
{
    spoil_secs = spoil;
    seam_expect_refusal(seam_create(heap39_file, with_other_secs, false),
                        SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_ATTRIBUTE,
                        "SGX_INVALID_ATTRIBUTE");
}

Test(platform, an_enclave_whose_page_faults_the_processor_would_not_report_is_refused)
{
    expect_other_attributes(no_exinfo);
}

Test(platform, an_attribute_that_the_author_did_not_sign_is_refused)
{
    expect_other_attributes(key_separation);
}

Test(platform, an_enclave_made_to_run_in_32_bit_mode_is_refused)
{
    spoil_secs = thirty_two_bit;
    cr_assert_neq(seam_create(heap39_file, with_other_secs, false), SGX_SUCCESS);
}

/* ------------------------------------------------------------------ DEBUG */

Test(platform, a_production_enclave_cannot_be_loaded_for_debugging)
{
    seam_expect_refusal(seam_create(production_file, NULL, true), SGX_ERROR_INVALID_SIGNATURE,
                        SGX_INVALID_ATTRIBUTE, "DEBUG");
}

Test(platform, a_production_enclave_runs_without_debugging)
{
    cr_assert_eq(seam_create(production_file, NULL, false), SGX_SUCCESS, "%s", host.error.text);
    host_check_sane();
    host_close();
}

Test(platform, an_enclave_whose_author_permits_debugging_runs_with_it_and_without)
{
    cr_assert_eq(seam_create(basic_file, NULL, true), SGX_SUCCESS, "%s", host.error.text);
    host_check_sane();
    host_close();
    cr_assert_eq(seam_create(basic_file, NULL, false), SGX_SUCCESS, "%s", host.error.text);
    host_check_sane();
    host_close();
}

/* ------------------------------------------------------------------ SIGSTRUCT */

static size_t spoil_at;
static uint8_t spoil_bit;

static int with_other_sigstruct(int fd, unsigned long request, void *argument)
{
    static struct sgx_sigstruct sig;
    struct sgx_enclave_init init = {.sigstruct = (uintptr_t)&sig};

    if (request != SGX_IOC_ENCLAVE_INIT)
        return seam_pass(fd, request, argument);
    memcpy(&sig, (const void *)(uintptr_t)((struct sgx_enclave_init *)argument)->sigstruct,
           sizeof sig);
    ((uint8_t *)&sig)[spoil_at] ^= spoil_bit;
    return seam_pass(fd, request, &init);
}

static void expect_other_sigstruct(size_t at, uint8_t bit, uint64_t code, const char *word)
{
    spoil_at = at;
    spoil_bit = bit;
    seam_expect_refusal(seam_create(heap39_file, with_other_sigstruct, false),
                        SGX_ERROR_INVALID_SIGNATURE, code, word);
}

#define SIG(field, byte) (offsetof(struct sgx_sigstruct, field) + (byte))

Test(platform, a_bit_flipped_in_the_signature_is_refused)
{
    expect_other_sigstruct(SIG(signature, 0), 1, SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE");
    expect_other_sigstruct(SIG(signature, 200), 0x40, SGX_INVALID_SIGNATURE, "the signature");
}

Test(platform, a_bit_flipped_in_q1_or_q2_is_refused)
{
    expect_other_sigstruct(SIG(q1, 7), 2, SGX_INVALID_SIGNATURE, "Q1");
    expect_other_sigstruct(SIG(q2, 380), 8, SGX_INVALID_SIGNATURE, "Q2");
}

Test(platform, a_bit_flipped_in_the_modulus_is_refused)
{
    expect_other_sigstruct(SIG(modulus, 100), 1, SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE");
}

Test(platform, another_summary_of_the_aperture_is_refused)
{
    expect_other_sigstruct(SIG(swdefined, 0), 4, SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE");
}

Test(platform, another_measurement_in_the_sigstruct_breaks_the_signature)
{
    expect_other_sigstruct(SIG(enclave_hash, 31), 0x80, SGX_INVALID_SIGNATURE,
                           "SGX_INVALID_SIGNATURE");
}

Test(platform, a_wider_attribute_mask_breaks_the_signature)
{
    expect_other_sigstruct(SIG(attribute_mask, 0), SGX_ATTR_DEBUG, SGX_INVALID_SIGNATURE,
                           "SGX_INVALID_SIGNATURE");
}

Test(platform, another_product_or_version_breaks_the_signature)
{
    expect_other_sigstruct(SIG(isv_prod_id, 0), 1, SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE");
    expect_other_sigstruct(SIG(isv_svn, 0), 1, SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE");
}

Test(platform, a_malformed_sigstruct_is_refused_as_that)
{
    expect_other_sigstruct(SIG(header, 0), 1, SGX_INVALID_SIG_STRUCT, "SGX_INVALID_SIG_STRUCT");
    expect_other_sigstruct(SIG(exponent, 0), 2, SGX_INVALID_SIG_STRUCT, "SGX_INVALID_SIG_STRUCT");
}

/* ------------------------------------------------------------------ what the machine lacks */

static int sgx2_errno;

static int without_sgx2(int fd, unsigned long request, void *argument)
{
    if (request == SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS)
        return sgx2_errno;
    return seam_pass(fd, request, argument);
}

Test(platform, a_kernel_without_sgx2_is_named)
{
    sgx2_errno = -ENOTTY;
    seam_expect_refusal(seam_create(heap39_file, without_sgx2, false),
                        SGX_ERROR_FEATURE_NOT_SUPPORTED, ~UINT64_C(0), "Linux 6.0");
    cr_assert_eq(host.error.os_error, -ENOTTY);
}

Test(platform, a_processor_without_sgx2_is_named)
{
    sgx2_errno = -ENODEV;
    seam_expect_refusal(seam_create(heap39_file, without_sgx2, false),
                        SGX_ERROR_FEATURE_NOT_SUPPORTED, ~UINT64_C(0), "SGX1 only");
    cr_assert_eq(host.error.os_error, -ENODEV);
}

/* RELRO is the first thing that needs the host's help. */
static int skip_restriction(int fd, unsigned long request, void *argument)
{
    struct sgx2_hostile skip = {.act = SGX2_HOSTILE_SKIP, .value = 1};
    struct sgx_enclave_restrict_permissions *restricted = argument;

    if (request == SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS && restricted->length > 0)
        cr_assert_eq(seam_pass(fd, SGX2_MODEL_HOSTILE, &skip), 0);
    return seam_pass(fd, request, argument);
}

Test(platform, a_host_that_only_says_it_restricted_permissions_is_found_out)
{
    seam_expect_refusal(seam_create(basic_file, skip_restriction, false), SGX_ERROR_HOST,
                        ~UINT64_C(0), "failed to initialise");
}

static int refuse_restriction(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_restrict_permissions *restricted = argument;

    if (request == SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS && restricted->length > 0)
        return -EFAULT;
    return seam_pass(fd, request, argument);
}

Test(platform, a_host_that_will_not_restrict_permissions_cannot_start_the_enclave)
{
    seam_expect_refusal(seam_create(basic_file, refuse_restriction, false), SGX_ERROR_HOST,
                        ~UINT64_C(0), "failed to initialise");
}

static int restrict_half(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_restrict_permissions *restricted = argument, half;
    int r;

    if (request != SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS || restricted->length == 0)
        return seam_pass(fd, request, argument);
    half = *restricted;
    half.length -= PAGE;
    r = half.length ? seam_pass(fd, request, &half) : 0;
    restricted->count = restricted->length;
    return r;
}

Test(platform, a_host_that_restricts_all_pages_but_one_is_found_out)
{
    seam_expect_refusal(seam_create(basic_file, restrict_half, false), SGX_ERROR_HOST, ~UINT64_C(0),
                        "failed to initialise");
}
