/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signed file was changed after it was signed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/plan.h"
#include "seam.h"

#define NO_CODE (~UINT64_C(0)) /* EINIT was not reached */

/* The signed file in memory, to be spoiled, and where it goes afterwards. */
static struct image image;
static char path[] = "/tmp/integration-file-XXXXXX";

static void read_signed(const char *from)
{
    struct image_error error;

    cr_assert_eq(image_open(from, &image, &error), 0, "%s", error.text);
    strcpy(path + sizeof path - 7, "XXXXXX");
    close(mkstemp(path));
}

static void open_basic(void)
{
    read_signed(basic_file);
}

static void remove_file(void)
{
    unlink(path);
    image_close(&image);
}

TestSuite(file, .init = open_basic, .fini = remove_file);

static sgx_status_t load_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
    return seam_create(path, NULL, false);
}

static sgx_status_t load(void)
{
    return load_bytes(image.bytes, image.size);
}

static struct ap_layout *layout(void)
{
    return (struct ap_layout *)(void *)(image.bytes + image.layout_file_offset);
}

static struct ap_region *region(const char *name)
{
    return (struct ap_region *)(uintptr_t)layout_region(layout(), name);
}

/* The section stands anywhere in the file, aligned to nothing. */
static void put_sigstruct(const struct sgx_sigstruct *sig)
{
    memcpy(image.bytes + image.signature_file_offset, sig, sizeof *sig);
}

/* ------------------------------------------------------------------ not even a file */

Test(file, as_signed_is_accepted)
{
    cr_assert_eq(load(), SGX_SUCCESS, "%s", host.error.text);
    host_check_sane();
    host_close();
}

Test(file, that_is_missing_is_named)
{
    seam_expect_refusal(seam_create("/nowhere/at-all.signed.so", NULL, false),
                        SGX_ERROR_ENCLAVE_FILE_ACCESS, NO_CODE, "/nowhere/at-all.signed.so");
    cr_assert_eq(host.error.os_error, -ENOENT);
}

Test(file, that_is_a_directory_is_refused)
{
    seam_expect_refusal(seam_create("/tmp", NULL, false), SGX_ERROR_INVALID_ENCLAVE, NO_CODE,
                        "not a regular file");
}

Test(file, that_is_a_fifo_is_refused_without_waiting)
{
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    seam_expect_refusal(seam_create(path, NULL, false), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, path);
}

Test(file, that_is_empty_is_refused)
{
    seam_expect_refusal(load_bytes("", 0), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, path);
}

Test(file, that_was_never_signed_is_refused_with_the_remedy)
{
    seam_expect_refusal(seam_create(basic_unsigned, NULL, false), SGX_ERROR_INVALID_ENCLAVE,
                        NO_CODE, "ap-sign sign");
}

Test(file, that_is_another_program_is_refused)
{
    seam_expect_refusal(seam_create("/proc/self/exe", NULL, false), SGX_ERROR_INVALID_ENCLAVE,
                        NO_CODE, "/proc/self/exe");
}

/* ------------------------------------------------------------------ too short, too long, garbage
 */

static void expect_truncation_refused(size_t size)
{
    sgx_status_t status = load_bytes(image.bytes, size);

    cr_assert_eq(status, SGX_ERROR_INVALID_ENCLAVE, "%zu bytes: %#x", size, status);
    cr_assert_not_null(strstr(host.error.text, path), "%s", host.error.text);
    cr_assert_eq(seam_base, 0, "the device was not even opened");
}

Test(file, cut_anywhere_is_refused)
{
    static const size_t odd[] = {1, 3, 63, 64, 65, 4095, 4097, 8193, 12289, 70001};

    for (size_t size = 0; size < image.size; size += 512)
        expect_truncation_refused(size);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        expect_truncation_refused(odd[i]);
    expect_truncation_refused(image.size - 1);
    seam_expect_refusal(load_bytes(image.bytes, image.size / 2), SGX_ERROR_INVALID_ENCLAVE, NO_CODE,
                        path);
}

Test(file, with_something_behind_its_end_is_refused)
{
    uint8_t *longer = calloc(1, image.size + 5000);

    memcpy(longer, image.bytes, image.size);
    seam_expect_refusal(load_bytes(longer, image.size + 5000), SGX_ERROR_INVALID_ENCLAVE, NO_CODE,
                        "after the end");
    seam_expect_refusal(load_bytes(longer, image.size + 1), SGX_ERROR_INVALID_ENCLAVE, NO_CODE,
                        "after the end");
    free(longer);
}

Test(file, larger_than_any_enclave_is_refused_unread)
{
    FILE *file = fopen(path, "w");

    cr_assert_eq(ftruncate(fileno(file), (off_t)(IMAGE_SIZE_MAX + 1)), 0);
    fclose(file);
    seam_expect_refusal(seam_create(path, NULL, false), SGX_ERROR_INVALID_ENCLAVE, NO_CODE,
                        "at most");
}

/* xorshift64*: the same garbage every time. */
static uint64_t random_word(void)
{
    static uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Either the byte is not part of what is loaded, or the change is noticed. */
static unsigned expect_noticed(size_t at, uint8_t mask)
{
    sgx_status_t status;

    image.bytes[at] ^= mask;
    status = load();
    if (status == SGX_SUCCESS) {
        cr_assert(!memcmp(&host.layout, &image.layout, sizeof host.layout));
        host_check_sane();
        host_close();
    } else {
        cr_assert_neq(host.error.text[0], '\0', "byte %zu", at);
        cr_assert_eq(host.error.status, status);
    }
    image.bytes[at] ^= mask;
    return status != SGX_SUCCESS;
}

Test(file, with_a_byte_changed_is_refused_or_loads_what_was_signed)
{
    for (unsigned i = 0; i < 30; i++)
        expect_noticed(random_word() % image.size, (uint8_t)(random_word() | 1));
}

/* Up to the layout page nearly everything is loaded, but for the space between segments. */
Test(file, with_a_byte_of_its_segments_changed_is_refused)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < 40; i++)
        refused += expect_noticed(random_word() % (image.layout_file_offset + PAGE),
                                  (uint8_t)(random_word() | 1));
    cr_assert_gt(refused, 10, "%u of 40", refused);
}

Test(file, with_a_byte_of_its_headers_changed_is_refused_or_loads_what_was_signed)
{
    unsigned refused = 0;

    for (size_t at = 0; at < 64 + 8 * 56; at += 5)
        refused += expect_noticed(at, (uint8_t)(random_word() | 1));
    cr_assert_gt(refused, 20);
}

Test(file, full_of_garbage_behind_its_header_is_refused)
{
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 64; i < image.size; i++)
            image.bytes[i] = (uint8_t)random_word();
        seam_expect_refusal(load(), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, path);
    }
}

/* ------------------------------------------------------------------ the layout page */

Test(file, whose_layout_grants_a_larger_heap_is_refused)
{
    region("heap")->initial++;
    cr_assert_neq(load(), SGX_SUCCESS);
    region("heap")->initial--;
    /* The same at the expense of the region's dynamic part, so that the table stays consistent. */
    for (struct ap_region *r = layout()->region; r < layout()->region + layout()->region_count; r++)
        if (r->pagemap_index)
            r->pagemap_index--;
    region("heap")->initial++;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, whose_layout_grants_a_wider_policy_is_refused)
{
    region("toggle")->policy = AP_POLICY_RWX;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, whose_layout_makes_data_executable_is_refused)
{
    region("pool")->policy = AP_POLICY_PUBLISH;
    region("pool")->max_perm = AP_PERM_R | AP_PERM_X;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, whose_layout_makes_a_read_only_region_writable_is_refused)
{
    region("fixed")->max_perm |= AP_PERM_W;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, whose_layout_contradicts_its_policy_is_refused_before_loading)
{
    region("jit")->max_perm |= AP_PERM_W;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, "jit");
}

Test(file, whose_layout_renames_a_region_is_refused)
{
    strcpy(region("toggle")->name, "tiggle");
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, whose_layout_has_regions_that_overlap_is_refused)
{
    region("jit")->offset = region("pool")->offset;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, path);
}

Test(file, whose_layout_frees_an_attribute_is_refused)
{
    layout()->attribute_mask.flags &= ~SGX_ATTR_MODE64BIT;
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

/* ------------------------------------------------------------------ other people's signatures */

static struct sgx_sigstruct sigstruct_of(const char *other)
{
    struct image_error error;
    struct image from;
    struct sgx_sigstruct sig;

    cr_assert_eq(image_open(other, &from, &error), 0, "%s", error.text);
    sig = from.sigstruct;
    image_close(&from);
    return sig;
}

Test(file, with_the_valid_signature_of_another_enclave_is_refused)
{
    struct sgx_sigstruct other = sigstruct_of(heap39_file);

    put_sigstruct(&other);
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, with_another_authors_signature_over_another_enclave_is_refused)
{
    struct sgx_sigstruct other = sigstruct_of(production_file);

    cr_assert_neq(memcmp(other.modulus, image.sigstruct.modulus, sizeof other.modulus), 0);
    put_sigstruct(&other);
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_MEASUREMENT,
                        "SGX_INVALID_MEASUREMENT");
}

Test(file, that_claims_another_signer_is_refused)
{
    struct sgx_sigstruct other = sigstruct_of(production_file), own = image.sigstruct;

    memcpy(own.modulus, other.modulus, sizeof other.modulus);
    put_sigstruct(&own);
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_SIGNATURE,
                        "SGX_INVALID_SIGNATURE");
}

Test(file, with_another_authors_key_and_signature_moved_to_its_own_body_is_refused)
{
    struct sgx_sigstruct other = sigstruct_of(production_file), own = image.sigstruct;

    memcpy(own.modulus, other.modulus, sizeof other.modulus);
    memcpy(own.signature, other.signature, sizeof other.signature);
    memcpy(own.q1, other.q1, sizeof other.q1);
    memcpy(own.q2, other.q2, sizeof other.q2);
    put_sigstruct(&own);
    seam_expect_refusal(load(), SGX_ERROR_INVALID_SIGNATURE, SGX_INVALID_SIGNATURE,
                        "SGX_INVALID_SIGNATURE");
}

Test(file, whose_signature_was_wiped_is_refused_as_unsigned)
{
    static const struct sgx_sigstruct nothing;

    put_sigstruct(&nothing);
    seam_expect_refusal(load(), SGX_ERROR_INVALID_ENCLAVE, NO_CODE, "not signed");
}
