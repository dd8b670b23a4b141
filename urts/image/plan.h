/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the load plan: what a signed file turns into, page run by page run
 *
 * Signing is loading. urts replays a plan into the device, one ADD_PAGES per run; ap-sign replays
 * the same plan into a hash. There is one way from a file to its pages, so the measurement cannot
 * drift from the load.
 */
#ifndef URTS_IMAGE_PLAN_H
#define URTS_IMAGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"
#include "arch/secinfo.h"
#include "arch/secs.h"
#include "arch/sigstruct.h"

/*
 * Pages that stand together, alike in SECINFO and in whether they are measured. content is NULL for
 * pages of zeroes; otherwise pages * 4096 bytes, owned by the plan or by the image it came from.
 */
struct plan_run {
    uint64_t offset; /* from the enclave's base, page aligned */
    uint64_t pages;  /* at least 1 */
    const uint8_t *content;
    uint64_t secinfo; /* SECINFO.FLAGS */
    bool measured;
};

struct plan {
    uint64_t elrange_size;
    uint32_t ssa_frame_size;
    size_t run_count;
    struct plan_run *runs; /* ascending, never overlapping */
    uint8_t *storage;      /* content made for the plan: page-padded segments, TCS pages */
};

/* Why a file was refused: a sentence for people, without a trailing newline. */
struct image_error {
    char text[256];
};

/* An ELF image with its layout page, read from a file and checked. Private to urts/image. */
struct image {
    char name[96];  /* what messages call it: the path, or its end */
    uint8_t *bytes; /* the whole file, owned */
    size_t size;
    struct ap_layout layout;        /* copied out of the file */
    uint64_t layout_file_offset;    /* where the layout page stands in the file */
    uint64_t layout_image_offset;   /* and in ELRANGE */
    uint64_t signature_file_offset; /* where the SIGSTRUCT stands in the file */
    struct sgx_sigstruct sigstruct; /* copied out of the file; all zero before signing */
};

/*
 * image_open() - read an enclave file and check everything that can be checked without a device
 * @path:      the file, signed or not
 * @ret_image: on success; release with image_close()
 * @error:     on failure: file, place, and what was expected
 *
 * 0, or a negative errno: what open(2) and read(2) give, -ENOEXEC for a file that is not an enclave
 * image or is inconsistent, -EFBIG beyond IMAGE_SIZE_MAX, -ENOMEM.
 */
int image_open(const char *path, struct image *ret_image, struct image_error *error);

/* The same from memory; bytes are copied. name stands in messages. */
int image_from_memory(const char *name, const void *bytes, size_t size, struct image *ret_image,
                      struct image_error *error);

void image_close(struct image *image);

#define IMAGE_SIZE_MAX (UINT64_C(4) << 30)

/* True once ap-sign has filled the layout page and the SIGSTRUCT. */
bool image_is_signed(const struct image *image);

/*
 * plan_make() - from image and layout to the load plan
 *
 * -ENOEXEC if the layout contradicts the image (segments beyond image_size, regions that overlap or
 * leave ELRANGE, a W+X segment, ...), -ENOMEM. The plan borrows from the image: close it last.
 */
int plan_make(const struct image *image, struct plan *ret_plan, struct image_error *error);
void plan_free(struct plan *plan);

/* The SECS that goes with a plan, for ECREATE at base. debug sets ATTRIBUTES.DEBUG. */
void plan_secs(const struct image *image, uint64_t base, bool debug, struct sgx_secs *ret_secs);

/*
 * plan_replay() - hand the plan's measurement records to a sink, in order
 *
 * The sink sees exactly the bytes that MRENCLAVE hashes, in pieces of whole records. It returns 0,
 * or a negative errno that ends the replay and is returned. progress may be NULL; it is called now
 * and then with the pages done and the pages in all.
 */
typedef int plan_sink(void *arg, const void *bytes, size_t size);
typedef void plan_progress(void *arg, uint64_t pages_done, uint64_t pages_total);

int plan_replay(const struct plan *plan, plan_sink *sink, void *arg, plan_progress *progress,
                void *progress_arg);

/* SHA-256 over plan_replay(). 0 or a negative errno. */
int plan_measure(const struct plan *plan, uint8_t ret_mrenclave[static 32], plan_progress *progress,
                 void *progress_arg);

#endif
