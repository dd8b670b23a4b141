/* SPDX-License-Identifier: Apache-2.0 */
/* plan_test.c - what a file turns into, page by page, and the records of it */
#include <criterion/criterion.h>

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "arch/tcs.h"
#include "sample.h"

#define RW (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)

static struct sample sample;
static struct image image;
static struct plan plan;

static void make_plan(void)
{
    struct image_error error;

    sample = sample_load_laid_out();
    cr_assert_eq(image_from_memory("sample", sample.bytes, sample.size, &image, &error), 0, "%s",
                 error.text);
    cr_assert_eq(plan_make(&image, &plan, &error), 0, "%s", error.text);
}

static void free_plan(void)
{
    plan_free(&plan);
    image_close(&image);
    sample_free(&sample);
}

TestSuite(plan, .init = make_plan, .fini = free_plan);

static const struct plan_run *run_at(uint64_t offset)
{
    for (size_t i = 0; i < plan.run_count; i++) {
        const struct plan_run *r = &plan.runs[i];

        if (offset >= r->offset && offset < r->offset + r->pages * SGX_PAGE_SIZE)
            return r;
    }
    return NULL;
}

Test(plan, runs_ascend_never_touch_what_they_could_be_merged_with_and_stay_in_elrange)
{
    for (size_t i = 0; i < plan.run_count; i++) {
        const struct plan_run *r = &plan.runs[i];
        uint64_t end = r->offset + r->pages * SGX_PAGE_SIZE;

        cr_expect_gt(r->pages, 0);
        cr_expect_eq(r->offset % SGX_PAGE_SIZE, 0);
        cr_expect_leq(end, plan.elrange_size);
        if (i + 1 == plan.run_count)
            continue;
        cr_expect_leq(end, r[1].offset);
        cr_expect(end != r[1].offset || r->secinfo != r[1].secinfo ||
                      r->measured != r[1].measured || !r->content != !r[1].content,
                  "runs %zu and %zu are alike", i, i + 1);
    }
}

Test(plan, segments_are_padded_with_zeroes_to_whole_pages)
{
    const Elf64_Phdr *data = sample_segment(&sample, PT_LOAD, 3);
    const struct plan_run *r = run_at(data->p_vaddr);
    uint64_t lead = data->p_vaddr - r->offset;
    uint64_t size = r->pages * SGX_PAGE_SIZE;

    cr_assert_eq(r->secinfo, RW);
    cr_assert(r->measured);
    cr_assert_eq((uintptr_t)r->content % SGX_PAGE_SIZE, 0, "ADD_PAGES wants aligned sources");
    cr_assert_arr_eq(r->content + lead, sample.bytes + data->p_offset, data->p_filesz);
    for (uint64_t i = 0; i < size; i++) {
        if (i < lead || i >= lead + data->p_filesz)
            cr_assert_eq(r->content[i], 0, "padding byte %lu", i);
    }
}

Test(plan, what_a_segment_has_beyond_the_file_is_measured_zero_pages_without_content)
{
    const Elf64_Phdr *data = sample_segment(&sample, PT_LOAD, 3);
    const struct plan_run *r = run_at(data->p_vaddr + data->p_memsz - 1);

    cr_assert_null(r->content);
    cr_assert(r->measured);
    cr_assert_eq(r->secinfo, RW);
}

/* It moves with the debug information, which depends on the folder of the build. */
Test(plan, the_elf_header_is_loaded_without_a_section_table)
{
    const Elf64_Ehdr *file = (const Elf64_Ehdr *)(const void *)sample.bytes;
    const struct plan_run *r = run_at(0);
    Elf64_Ehdr loaded;

    cr_assert_not_null(r->content);
    memcpy(&loaded, r->content, sizeof loaded);
    cr_assert_neq(file->e_shoff, 0);
    cr_assert_eq(loaded.e_shoff + loaded.e_shnum + loaded.e_shstrndx, 0);
    cr_assert_eq(loaded.e_entry, file->e_entry);
    cr_assert_eq(loaded.e_phoff, file->e_phoff);
}

Test(plan, code_is_readable_and_executable_and_constants_are_readable)
{
    cr_assert_eq(run_at(image.layout.entry)->secinfo,
                 SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X);
    cr_assert_eq(run_at(0)->secinfo, SGX_SECINFO_REG | SGX_SECINFO_R);
}

Test(plan, the_layout_page_is_loaded_read_only_measured_and_as_checked)
{
    const struct plan_run *r = run_at(image.layout_image_offset);

    cr_assert_eq(r->secinfo, SGX_SECINFO_REG | SGX_SECINFO_R);
    cr_assert(r->measured);
    cr_assert_arr_eq(r->content + (image.layout_image_offset - r->offset), &image.layout,
                     sizeof image.layout);
}

Test(plan, the_heap_is_loaded_as_far_as_signed_and_not_measured)
{
    const struct ap_region *heap = &image.layout.region[0];
    const struct plan_run *r = run_at(heap->offset);

    cr_assert_eq(r->offset, heap->offset);
    cr_assert_eq(r->pages, 3);
    cr_assert_eq(r->secinfo, RW);
    cr_assert_not(r->measured);
    cr_assert_null(run_at(heap->offset + 3 * SGX_PAGE_SIZE));
}

Test(plan, every_slot_has_its_stack_tcs_ssa_and_thread_data_between_guards)
{
    const struct ap_slots *s = &image.layout.slots;

    cr_assert_eq(s->slot_count, 3);
    for (uint64_t i = 0; i < s->slot_count; i++) {
        uint64_t slot = s->offset + i * s->slot_size;
        uint64_t tcs = slot + s->tcs_offset;

        cr_expect_null(run_at(slot));
        cr_expect_null(run_at(slot + s->stack_offset - 1));
        cr_expect_eq(run_at(slot + s->stack_offset)->pages, s->stack_size / SGX_PAGE_SIZE);
        cr_expect_null(run_at(tcs - 1));
        cr_expect_eq(run_at(tcs)->secinfo, SGX_SECINFO_TCS);
        cr_expect_eq(run_at(tcs + s->ssa_from_tcs)->pages, s->nssa * s->ssa_frame_size);
        cr_expect_null(run_at(tcs + s->tls_from_tcs - 1));
        cr_expect_eq(run_at(tcs + s->tls_from_tcs), run_at(slot + s->slot_size - 1));
        cr_expect_eq(tcs + s->td_from_tcs + s->td_pages * SGX_PAGE_SIZE, slot + s->slot_size);
    }
}

Test(plan, a_tcs_leads_to_the_entry_with_both_bases_at_its_thread_data)
{
    const struct ap_slots *s = &image.layout.slots;
    uint64_t offset = s->offset + 2 * s->slot_size + s->tcs_offset;
    const struct sgx_tcs *tcs = (const void *)run_at(offset)->content;

    cr_assert_eq(tcs->oentry, image.layout.entry);
    cr_assert_eq(tcs->ossa, offset + s->ssa_from_tcs);
    cr_assert_eq(tcs->nssa, 2);
    cr_assert_eq(tcs->cssa, 0);
    cr_assert_eq(tcs->flags, 0);
    cr_assert_eq(tcs->ofsbase, offset + s->td_from_tcs);
    cr_assert_eq(tcs->ogsbase, offset + s->td_from_tcs);
    cr_assert_eq(tcs->fslimit, UINT32_MAX);
    cr_assert_eq(tcs->gslimit, UINT32_MAX);
}

Test(plan, loaded_pages_of_a_code_region_are_neither_writable_nor_executable)
{
    const struct ap_region *notes = &image.layout.region[3];
    const struct ap_region *jit = &image.layout.region[4];

    cr_assert_eq(run_at(notes->offset)->secinfo, RW);
    cr_assert_eq(run_at(notes->offset)->pages, 2);
    cr_assert_eq(run_at(jit->offset)->secinfo, SGX_SECINFO_REG | SGX_SECINFO_R);
    cr_assert_eq(run_at(jit->offset)->pages, 1);
}

Test(plan, the_secs_carries_what_was_signed_and_debug_only_on_request)
{
    struct sgx_secs secs;

    plan_secs(&image, UINT64_C(0x7f0000000000), false, &secs);
    cr_assert_eq(secs.size, image.layout.elrange_size);
    cr_assert_eq(secs.base, UINT64_C(0x7f0000000000));
    cr_assert_eq(secs.ssa_frame_size, 1);
    cr_assert_eq(secs.miscselect, SGX_MISC_EXINFO);
    cr_assert_eq(secs.attributes.flags, SGX_ATTR_MODE64BIT);
    cr_assert_eq(secs.attributes.xfrm, 3);
    plan_secs(&image, 0, true, &secs);
    cr_assert_eq(secs.attributes.flags, SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG);
}

struct record_count {
    uint64_t pieces;
    uint64_t bytes;
    uint64_t stop_after; /* pieces; 0: never */
};

static int count_sink(void *arg, const void *bytes, size_t size)
{
    struct record_count *c = arg;

    (void)bytes;
    c->pieces++;
    c->bytes += size;
    cr_expect_eq(size % 64, 0);
    return c->stop_after && c->pieces == c->stop_after ? -EPIPE : 0;
}

static void count_progress(void *arg, uint64_t done, uint64_t total)
{
    uint64_t *last = arg;

    cr_expect_leq(done, total);
    *last = done == total ? total : 0;
}

Test(plan, a_replay_is_one_ecreate_and_for_each_page_eadd_and_if_measured_sixteen_eextends)
{
    struct record_count c = {0};
    uint64_t measured = 0, unmeasured = 0, progress = 0;

    for (size_t i = 0; i < plan.run_count; i++)
        *(plan.runs[i].measured ? &measured : &unmeasured) += plan.runs[i].pages;
    cr_assert_eq(plan_replay(&plan, count_sink, &c, count_progress, &progress), 0);
    cr_assert_eq(c.bytes, 64 + measured * 5184 + unmeasured * 64);
    cr_assert_eq(c.pieces, 1 + measured + unmeasured);
    cr_assert_eq(progress, measured + unmeasured);
}

Test(plan, a_sink_that_fails_ends_the_replay_with_its_error)
{
    struct record_count c = {.stop_after = 5};

    cr_assert_eq(plan_replay(&plan, count_sink, &c, NULL, NULL), -EPIPE);
    cr_assert_eq(c.pieces, 5);
    c = (struct record_count){.stop_after = 1};
    cr_assert_eq(plan_replay(&plan, count_sink, &c, NULL, NULL), -EPIPE);
    cr_assert_eq(c.pieces, 1);
}

/* MRENCLAVE once more, straight from the manual, one record after the other. */
static void hash_record(EVP_MD_CTX *hash, const char tag[8], uint64_t at8, const void *at16,
                        size_t size)
{
    uint8_t block[64] = {0};

    memcpy(block, tag, 8);
    memcpy(block + 8, &at8, 8);
    memcpy(block + 16, at16, size);
    EVP_DigestUpdate(hash, block, sizeof block);
}

static void hash_page(EVP_MD_CTX *hash, const struct plan_run *r, uint64_t index)
{
    static const uint8_t zero[4096];
    const uint8_t *content = r->content ? r->content + index * 4096 : zero;
    uint64_t offset = r->offset + index * 4096;

    hash_record(hash, "EADD\0\0\0", offset, &r->secinfo, 8);
    for (uint64_t i = 0; i < 4096 && r->measured; i += 256) {
        hash_record(hash, "EEXTEND", offset + i, zero, 0);
        EVP_DigestUpdate(hash, content + i, 256);
    }
}

Test(plan, the_measurement_is_the_hash_that_the_manual_describes)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t block[64] = "ECREATE";
    uint8_t expected[32];
    uint8_t mrenclave[32];

    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    memcpy(block + 8, &image.layout.slots.ssa_frame_size, 4);
    memcpy(block + 12, &image.layout.elrange_size, 8);
    EVP_DigestUpdate(hash, block, sizeof block);
    for (size_t i = 0; i < plan.run_count; i++) {
        for (uint64_t page = 0; page < plan.runs[i].pages; page++)
            hash_page(hash, &plan.runs[i], page);
    }
    EVP_DigestFinal_ex(hash, expected, NULL);
    EVP_MD_CTX_free(hash);
    cr_assert_eq(plan_measure(&plan, mrenclave, NULL, NULL), 0);
    cr_assert_arr_eq(mrenclave, expected, 32);
}

Test(plan, a_byte_of_content_a_permission_or_a_page_more_gives_another_measurement)
{
    uint8_t good[32], other[32];

    plan_measure(&plan, good, NULL, NULL);
    plan.storage[0] ^= 1;
    plan_measure(&plan, other, NULL, NULL);
    cr_assert_arr_neq(good, other, 32);
    plan.storage[0] ^= 1;
    plan.runs[0].secinfo |= SGX_SECINFO_W;
    plan_measure(&plan, other, NULL, NULL);
    cr_assert_arr_neq(good, other, 32);
    plan.runs[0].secinfo &= ~SGX_SECINFO_W;
    plan.runs[plan.run_count - 1].pages++;
    plan_measure(&plan, other, NULL, NULL);
    cr_assert_arr_neq(good, other, 32);
    plan.runs[plan.run_count - 1].pages--;
    plan_measure(&plan, other, NULL, NULL);
    cr_assert_arr_eq(good, other, 32);
}

Test(plan, half_a_gibibyte_of_zeroes_takes_no_storage)
{
    struct sample big = sample_load_laid_out();
    struct ap_layout *l = sample_layout(&big);
    const uint64_t more = UINT64_C(512) << 20;
    struct image_error error;
    struct image big_image;
    struct plan big_plan;

    /* A larger .bss, and everything behind it moved up. */
    sample_segment(&big, PT_LOAD, 3)->p_memsz += more;
    l->image_size += more;
    l->elrange_size = more * 2;
    l->slots.offset += more;
    for (unsigned i = 0; i < l->region_count; i++)
        l->region[i].offset += more;
    cr_assert_eq(image_from_memory("big", big.bytes, big.size, &big_image, &error), 0, "%s",
                 error.text);
    cr_assert_eq(plan_make(&big_image, &big_plan, &error), 0, "%s", error.text);
    cr_assert_eq(big_plan.run_count, plan.run_count);
    cr_assert_lt(malloc_usable_size(big_plan.storage), 1u << 20);
    plan_free(&big_plan);
    image_close(&big_image);
    sample_free(&big);
}
