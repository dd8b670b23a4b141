/* SPDX-License-Identifier: Apache-2.0 */
/* execute_deep_ocall_test.c - structures whose pointers are followed, on their way out and back */
#include "every_t.c"
#include "execute.h"

static int result;
static int numbers[3];
static char blob[8];

static struct buffer trusted_buffer(void)
{
    numbers[0] = 10;
    numbers[1] = 20;
    numbers[2] = 30;
    memcpy(blob, "fiveb", 6);
    return (struct buffer){.items = numbers, .blob = blob, .n = 3, .bytes = 5};
}

static void fill_deep(struct buffer *b)
{
    fill(b->items, b->n * sizeof *b->items);
    fill(b->blob, b->bytes);
}

TEST_INSIDE(execute_deep_ocall, what_the_pointers_lead_to_goes_along)
{
    struct buffer b = trusted_buffer();

    SUCCEEDS(o_deep(&result, &b));
    cr_assert_eq(memcmp(seen.bytes[0], numbers, 12), 0);
    cr_assert_eq(memcmp(seen.bytes[1], "fiveb", 5), 0);
    for (int i = 0; i < 2; i++)
        cr_assert(sgx_is_outside_enclave(seen.pointer[i], 5));
    DONE();
}

TEST_INSIDE(execute_deep_ocall, in_out_brings_both_back_and_keeps_the_enclaves_pointers)
{
    struct buffer b = trusted_buffer();

    on_deep = fill_deep;
    SUCCEEDS(o_deep_inout(&result, &b));
    cr_assert(is_filled(numbers, 12));
    cr_assert(is_filled(blob, 5));
    cr_assert_eq(blob[5], 0);
    cr_assert_eq(b.items, numbers);
    cr_assert_eq(b.blob, blob);
    DONE();
}

TEST_INSIDE(execute_deep_ocall, arrays_of_structures)
{
    struct buffer b[2] = {trusted_buffer(), trusted_buffer()};
    int others[2] = {1, 2};

    b[1].items = others;
    b[1].n = 2;
    b[1].blob = NULL;
    on_deep = fill_deep;
    SUCCEEDS(o_deep_count(&result, b, 2));
    cr_assert(is_filled(others, 8));
    cr_assert(is_filled(numbers, 12));
    cr_assert_null(b[1].blob);
    DONE();
}

TEST_INSIDE(execute_deep_ocall, matrices_of_structures)
{
    uint16_t four[4][5] = {{0}};
    struct fixed b[2][2] = {{{four[0], 0}, {four[1], 0}}, {{four[2], 0}, {four[3], 0}}};

    SUCCEEDS(o_deep_matrix(&result, b));
    for (int i = 0; i < 4; i++) {
        cr_assert(is_filled(four[i], 8));
        cr_assert_eq(four[i][4], 0);
        cr_assert_eq(b[i / 2][i % 2].tag, 1);
        cr_assert_eq(b[i / 2][i % 2].four, four[i]);
    }
    DONE();
}

TEST_INSIDE(execute_deep_ocall, outside_pointers_and_sizes_that_overflow_are_refused)
{
    struct buffer b = trusted_buffer();

    b.blob = host_just_above();
    REFUSED(o_deep(&result, &b));
    b = trusted_buffer();
    b.n = (size_t)1 << 62;
    REFUSED(o_deep_inout(&result, &b));
    b.n = (SIZE_MAX >> 2) - 2;
    REFUSED(o_deep(&result, &b));
    REFUSED(o_deep_count(&result, &b, SIZE_MAX / 8));
    cr_assert_eq(seen.calls, 0);
    DONE();
}

TEST_INSIDE(execute_deep_ocall, memory_that_runs_out_anywhere_changes_nothing)
{
    struct buffer b = trusted_buffer();

    on_deep = fill_deep;
    for (size_t nth = 1; nth <= 2; nth++) { /* list; the structure as it came back */
        harness.fail_malloc = nth;
        COMES_TO(SGX_ERROR_OUT_OF_MEMORY, o_deep_inout(&result, &b));
        cr_assert_eq(numbers[0], 10);
    }
    DONE();
}

/* ------------------------------------------------------------------ answers */

static void grow(struct buffer *b)
{
    b->n++;
}

static void grow_bytes(struct buffer *b)
{
    b->bytes = UINT32_MAX;
}

static void overflow(struct buffer *b)
{
    b->n = ((size_t)1 << 62) + 1; /* times 4 it would be 4 again */
}

static void shrink(struct buffer *b)
{
    b->n = 1;
}

static void move(struct buffer *b)
{
    b->items = (int *)enclave_address();
    b->blob = NULL;
}

TEST_INSIDE(execute_deep_ocall, count_that_has_grown_outside_is_refused)
{
    void (*const lies[])(struct buffer *) = {grow, grow_bytes, overflow};

    for (size_t i = 0; i < 3; i++) {
        struct buffer b = trusted_buffer();

        result = 1;
        on_deep = lies[i];
        COMES_TO(SGX_ERROR_HOST, o_deep_inout(&result, &b));
        cr_assert_eq(b.n, 3);
        cr_assert_eq(b.bytes, 5);
        cr_assert_eq(result, 1);
    }
    DONE();
}

TEST_INSIDE(execute_deep_ocall, count_of_a_null_pointer_cannot_grow_either)
{
    struct buffer b = trusted_buffer();

    b.items = NULL;
    on_deep = grow;
    COMES_TO(SGX_ERROR_HOST, o_deep_inout(&result, &b));
    DONE();
}

TEST_INSIDE(execute_deep_ocall, count_may_shrink)
{
    struct buffer b = trusted_buffer();

    on_deep = shrink;
    SUCCEEDS(o_deep_inout(&result, &b));
    cr_assert_eq(b.n, 1);
    DONE();
}

TEST_INSIDE(execute_deep_ocall, pointers_changed_outside_are_not_believed)
{
    struct buffer b = trusted_buffer();

    on_deep = move;
    SUCCEEDS(o_deep_inout(&result, &b));
    cr_assert_eq(b.items, numbers);
    cr_assert_eq(b.blob, blob);
    cr_assert_eq(numbers[2], 30);
    DONE();
}

static void *structure;

/* Between the check and the use, if there is such a moment: the count grows. */
static void grow_while_reading(size_t nth, const struct access *access)
{
    (void)nth;
    if (access->out || access->size != sizeof(struct buffer))
        return;
    structure = (void *)access->at;
    ((struct buffer *)structure)->n = 1000;
}

TEST_INSIDE(execute_deep_ocall, count_that_grows_while_it_is_read_does_not_get_in)
{
    struct buffer b = trusted_buffer();

    harness.meddle = grow_while_reading;
    forget_accesses();
    SUCCEEDS(o_deep_inout(&result, &b));
    cr_assert_not_null(structure);
    cr_assert_eq(b.n, 3);
    cr_assert(reads_are_single());
    DONE();
}
