/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_fuzz.c - any bytes as an enclave file
 *
 * A refusal has a sentence and leaves the result alone. What is accepted has a load plan whose runs
 * ascend inside ELRANGE, can be replayed, and can be looked through for illegal instructions.
 */
#include <assert.h>
#include <string.h>

#include "illegal.h"
#include "image/elf.h"
#include "image/plan.h"

#define REPLAY_PAGES 64u

static int add_up(void *arg, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    uint64_t *sum = arg;

    for (size_t i = 0; i < size; i += 64)
        *sum += b[i];
    return 0;
}

static void check_plan(const struct image *image)
{
    struct image_error error;
    struct plan plan;
    uint64_t end = 0, pages = 0, sum = 0;

    if (plan_make(image, &plan, &error) < 0) {
        assert(error.text[0]);
        return;
    }
    for (size_t i = 0; i < plan.run_count; i++) {
        const struct plan_run *r = &plan.runs[i];

        assert(r->pages > 0 && r->offset >= end && r->offset % SGX_PAGE_SIZE == 0);
        end = r->offset + r->pages * SGX_PAGE_SIZE;
        assert(end > r->offset && end <= plan.elrange_size);
        assert(!((r->secinfo & SGX_SECINFO_W) && (r->secinfo & SGX_SECINFO_X)));
        if (r->content) /* the last byte is there */
            sum += r->content[r->pages * SGX_PAGE_SIZE - 1];
        pages += r->pages;
    }
    if (pages <= REPLAY_PAGES)
        assert(plan_replay(&plan, add_up, &sum, NULL, NULL) == 0);
    plan_free(&plan);
}

static void check_code(const struct image *image)
{
    struct image_error error;
    struct elf elf;

    assert(elf_parse("fuzz", image->bytes, image->size, &elf, &error) == 0);
    assert(illegal_sweep(&elf, NULL, NULL) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_error error = {{0}};
    struct image image, untouched;

    memset(&image, 0x5a, sizeof image);
    untouched = image;
    if (image_from_memory("fuzz", data, size, &image, &error) < 0) {
        assert(error.text[0]);
        assert(memcmp(&image, &untouched, sizeof image) == 0);
        return 0;
    }
    check_plan(&image);
    check_code(&image);
    image_close(&image);
    return 0;
}
