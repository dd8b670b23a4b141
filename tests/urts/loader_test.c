/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "enclave_file.h"
#include "fake_os.h"

static struct image image;
static struct plan plan;
static struct loaded loaded;
static struct ap_error error;

static void open_file(const struct enclave_file *how)
{
    const char *path = enclave_file_write(how);
    struct image_error why;

    cr_assert_eq(image_open(path, &image, &why), 0, "%s", why.text);
    cr_assert_eq(plan_make(&image, &plan, &why), 0, "%s", why.text);
    unlink(path);
}

static void set_up(void)
{
    open_file(&(struct enclave_file){0});
}

static void tear_down(void)
{
    plan_free(&plan);
    image_close(&image);
}

TestSuite(loader, .init = set_up, .fini = tear_down);

static sgx_status_t load(void)
{
    return loader_load(fake_os(), &image, &plan, false, &loaded, &error);
}

static void expect_nothing_held(void)
{
    cr_assert_eq(fake.open_files, 0);
    cr_assert_eq(fake.mapped, 0);
}

static uint64_t sum(const uint8_t *bytes, uint64_t size)
{
    uint64_t total = 0;

    for (uint64_t i = 0; bytes && i < size; i++)
        total += bytes[i];
    return total;
}

/* The n-th event of a kind, from 0. */
static const struct fake_event *event(unsigned long request, size_t n)
{
    for (size_t i = 0; i < fake.events; i++) {
        if (fake.log[i].request == request && n-- == 0)
            return &fake.log[i];
    }
    cr_assert_fail("no such event");
    return NULL;
}

Test(loader, each_run_of_the_plan_is_one_add_pages)
{
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_ADD_PAGES), plan.run_count);
    for (size_t i = 0; i < plan.run_count; i++) {
        const struct fake_event *e = event(SGX_IOC_ENCLAVE_ADD_PAGES, i);
        const struct plan_run *run = &plan.runs[i];

        cr_assert_eq(e->offset, run->offset);
        cr_assert_eq(e->size, run->pages * SGX_PAGE_SIZE);
        cr_assert_eq(e->flags, run->measured ? SGX_PAGE_MEASURE : 0);
        cr_assert_eq(e->secinfo, run->secinfo);
        cr_assert_eq(e->sum, sum(run->content, e->size));
    }
    loader_unload(&loaded);
    expect_nothing_held();
}

Test(loader, elrange_stands_at_a_multiple_of_its_size_and_no_more_is_kept)
{
    cr_assert_eq(load(), SGX_SUCCESS);
    cr_assert_eq(loaded.base % loaded.size, 0);
    cr_assert_eq(loaded.size, image.layout.elrange_size);
    cr_assert_eq(fake.base, loaded.base, "CREATE was told so");
    cr_assert_eq(fake.mapped, loaded.size);
    loader_unload(&loaded);
}

static const struct fake_event *mapping_of(uint64_t offset)
{
    for (size_t i = 0; i < fake.events; i++) {
        const struct fake_event *e = &fake.log[i];

        if (e->is_device && e->offset <= offset && offset - e->offset < e->size)
            return e;
    }
    return NULL;
}

Test(loader, each_part_is_mapped_with_its_own_protection)
{
    const struct ap_layout *l = &image.layout;
    const int rw = PROT_READ | PROT_WRITE, rwx = rw | PROT_EXEC;

    cr_assert_eq(load(), SGX_SUCCESS);
    cr_assert_eq(mapping_of(0x1000)->flags, PROT_READ);
    cr_assert_eq(mapping_of(0x2000)->flags, PROT_READ | PROT_EXEC);
    cr_assert_eq(mapping_of(0x4000)->flags, rw);
    cr_assert_eq(mapping_of(l->slots.offset + l->slots.tcs_offset)->flags, rw);
    cr_assert_eq(mapping_of(enclave_file_region(l, "jit")->offset)->flags, rwx);
    cr_assert_eq(mapping_of(enclave_file_region(l, "work")->offset)->flags, rw);
    cr_assert_eq(mapping_of(enclave_file_region(l, "work")->offset + 0x1000)->flags, rwx);
    loader_unload(&loaded);
}

Test(loader, the_heap_is_one_mapping_over_its_loaded_and_its_dynamic_pages)
{
    cr_assert_eq(load(), SGX_SUCCESS);
    cr_assert_eq(mapping_of(enclave_file_region(&image.layout, "heap")->offset)->size,
                 39 * SGX_PAGE_SIZE);
    loader_unload(&loaded);
}

Test(loader, guards_are_not_mapped)
{
    const struct ap_layout *l = &image.layout;

    cr_assert_eq(load(), SGX_SUCCESS);
    cr_assert_null(mapping_of(l->image_size));
    cr_assert_null(mapping_of(enclave_file_region(l, "heap")->offset - 1));
    cr_assert_null(mapping_of(l->slots.offset));
    cr_assert_null(mapping_of(l->slots.offset + l->slots.tcs_offset - 1));
    cr_assert_null(mapping_of(l->elrange_size - 1));
    loader_unload(&loaded);
}

Test(loader, a_short_count_is_resumed_where_it_stopped)
{
    uint64_t calls = 0;

    fake.add_at_most = SGX_PAGE_SIZE;
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    for (size_t i = 0; i < plan.run_count; i++) {
        const struct plan_run *run = &plan.runs[i];

        for (uint64_t done = 0; done < run->pages * SGX_PAGE_SIZE; done += SGX_PAGE_SIZE) {
            const struct fake_event *e = event(SGX_IOC_ENCLAVE_ADD_PAGES, calls++);

            cr_assert_eq(e->offset, run->offset + done);
            cr_assert_eq(e->size, run->pages * SGX_PAGE_SIZE - done);
            cr_assert_eq(e->sum, sum(run->content ? run->content + done : NULL, e->size));
        }
    }
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_ADD_PAGES), calls);
    loader_unload(&loaded);
}

Test(loader, interrupted_calls_are_made_again)
{
    fake.interrupts = 5;
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_CREATE), 1);
    loader_unload(&loaded);
}

Test(loader, success_without_progress_is_an_error_and_not_a_loop)
{
    fake.add_at_most = 100; /* and no whole page */
    cr_assert_eq(load(), SGX_ERROR_UNEXPECTED);
    expect_nothing_held();
}

Test(loader, content_that_is_not_page_aligned_goes_through_a_copy)
{
    uint8_t *moved = malloc(plan.runs[0].pages * SGX_PAGE_SIZE + 1);
    uint64_t expected = sum(plan.runs[0].content, plan.runs[0].pages * SGX_PAGE_SIZE);

    memcpy(moved + 1, plan.runs[0].content, plan.runs[0].pages * SGX_PAGE_SIZE);
    plan.runs[0].content = moved + 1;
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(event(SGX_IOC_ENCLAVE_ADD_PAGES, 0)->sum, expected);
    loader_unload(&loaded);
    expect_nothing_held();
    free(moved);
}

Test(loader, a_refusal_at_any_step_leaves_nothing_behind)
{
    static const struct {
        unsigned long request;
        unsigned from;
        int os_error;
        sgx_status_t status;
        const char *word;
    } rows[] = {
        {FAKE_OPEN, 1, -ENOENT, SGX_ERROR_NO_DEVICE, "/dev/sgx_enclave"},
        {FAKE_OPEN, 1, -EACCES, SGX_ERROR_NO_DEVICE, "udev"},
        {FAKE_MMAP, 1, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "addresses"},
        {SGX_IOC_ENCLAVE_CREATE, 1, -EIO, SGX_ERROR_INVALID_MISC, "ELRANGE of 0x400000"},
        {SGX_IOC_ENCLAVE_CREATE, 1, -ENOMEM, SGX_ERROR_OUT_OF_EPC, "ENCLAVE_CREATE"},
        {FAKE_MMAP, 2, -ENOMEM, SGX_ERROR_OUT_OF_MEMORY, "pages to be added"},
        {SGX_IOC_ENCLAVE_ADD_PAGES, 1, -EINVAL, SGX_ERROR_INVALID_ENCLAVE, "offset 0"},
        {SGX_IOC_ENCLAVE_ADD_PAGES, 3, -ENOMEM, SGX_ERROR_OUT_OF_EPC, "offset 0x3000"},
        {SGX_IOC_ENCLAVE_ADD_PAGES, 3, -EIO, SGX_ERROR_UNEXPECTED, "EADD"},
        {SGX_IOC_ENCLAVE_INIT, 1, -EPERM, SGX_ERROR_INVALID_SIGNATURE, "EINIT"},
        {SGX_IOC_ENCLAVE_INIT, 1, -EACCES, SGX_ERROR_INVALID_MISC, "PROVISIONKEY"},
        {SGX_IOC_ENCLAVE_INIT, 1, -EINVAL, SGX_ERROR_INVALID_MISC, "XFRM"},
        {FAKE_PROBE, 1, -ENOTTY, SGX_ERROR_FEATURE_NOT_SUPPORTED, "Linux 6.0"},
        {FAKE_PROBE, 1, -ENODEV, SGX_ERROR_FEATURE_NOT_SUPPORTED, "SGX1 only"},
        {FAKE_MMAP, 3, -EACCES, SGX_ERROR_MEMORY_MAP_CONFLICT, "r--"},
        {FAKE_MMAP, 4, -EPERM, SGX_ERROR_NO_DEVICE, "r-x"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(&fake, 0, sizeof fake);
        fake.fail_request = rows[i].request;
        fake.fail_from = rows[i].from;
        fake.fail_errno = rows[i].os_error;
        cr_assert_eq(load(), rows[i].status, "row %zu: %s", i, error.text);
        cr_assert_eq(error.os_error, rows[i].os_error, "row %zu", i);
        cr_assert_not_null(strstr(error.text, rows[i].word), "row %zu: %s", i, error.text);
        expect_nothing_held();
    }
}

Test(loader, einits_own_code_is_named_where_the_device_tells_it)
{
    fake.fail_request = SGX_IOC_ENCLAVE_INIT;
    fake.fail_errno = -EPERM;
    fake.einit_code = 4;
    cr_assert_eq(load(), SGX_ERROR_INVALID_SIGNATURE);
    cr_assert_not_null(strstr(error.text, "SGX_INVALID_MEASUREMENT"));
    expect_nothing_held();
}

Test(loader, a_probe_that_is_answered_with_success_is_not_a_driver_that_knows_sgx2)
{
    fake.probe_result = 1;
    cr_assert_eq(load(), SGX_ERROR_FEATURE_NOT_SUPPORTED);
    expect_nothing_held();
}

Test(loader, an_enclave_without_dynamic_pages_runs_without_sgx2)
{
    tear_down();
    open_file(&(struct enclave_file){.is_static = true});
    fake.probe_result = -ENODEV;
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(fake_count(FAKE_PROBE), 0);
    loader_unload(&loaded);
}

Test(loader, relocations_made_read_only_need_sgx2)
{
    tear_down();
    open_file(&(struct enclave_file){.is_static = true});
    image.layout.relro_pages = 1;
    fake.probe_result = -ENODEV;
    cr_assert_eq(load(), SGX_ERROR_FEATURE_NOT_SUPPORTED);
    expect_nothing_held();
}

Test(loader, provisioning_is_permitted_between_create_and_init)
{
    tear_down();
    open_file(&(struct enclave_file){.is_provisioned = true});
    cr_assert_eq(load(), SGX_SUCCESS, "%s", error.text);
    cr_assert_eq(fake_count(SGX_IOC_ENCLAVE_PROVISION), 1);
    cr_assert_gt(event(SGX_IOC_ENCLAVE_PROVISION, 0), event(SGX_IOC_ENCLAVE_CREATE, 0));
    cr_assert_lt(event(SGX_IOC_ENCLAVE_PROVISION, 0), event(SGX_IOC_ENCLAVE_INIT, 0));
    cr_assert_eq(fake.open_files, 1, "the provisioning node is closed again");
    loader_unload(&loaded);
}

Test(loader, provisioning_that_is_not_permitted_is_refused_with_the_remedy)
{
    tear_down();
    open_file(&(struct enclave_file){.is_provisioned = true});
    fake.fail_request = FAKE_OPEN;
    fake.fail_from = 2;
    fake.fail_errno = -EACCES;
    cr_assert_eq(load(), SGX_ERROR_INVALID_MISC);
    cr_assert_not_null(strstr(error.text, "sgx_prv"));
    expect_nothing_held();
}

Test(loader, areas_that_cannot_be_are_refused_before_the_device_is_opened)
{
    image.layout.region[0].pages = UINT64_MAX;
    cr_assert_eq(load(), SGX_ERROR_INVALID_ENCLAVE);
    cr_assert_eq(fake_count(FAKE_OPEN), 0);
    expect_nothing_held();
}
