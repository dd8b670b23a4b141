/* SPDX-License-Identifier: Apache-2.0 */
/* execute_deep_ecall_test.c - structures whose pointers are followed, on their way in */
#include "every_u.c"
#include "execute.h"

static int result;

/* A structure of the host's with three numbers and five bytes. */
static struct buffer *host_buffer(void)
{
    static const int numbers[] = {10, 20, 30};
    struct buffer *b = host_alloc(sizeof *b);

    b->items = memcpy(host_alloc(sizeof numbers), numbers, sizeof numbers);
    b->blob = memcpy(host_alloc(8), "fiveb", 5);
    b->n = 3;
    b->bytes = 5;
    b->opaque = (char *)b;
    return b;
}

static void fill_deep(struct buffer *b)
{
    fill(b->items, b->n * sizeof *b->items);
    fill(b->blob, b->bytes);
}

Test(execute_deep_ecall, what_the_pointers_lead_to_comes_along)
{
    struct buffer *b = host_buffer();

    SUCCEEDS(e_deep(1, &result, b));
    cr_assert_eq(result, ANSWER);
    cr_assert_eq(memcmp(seen.bytes[0], b->items, 12), 0);
    cr_assert_eq(memcmp(seen.bytes[1], "fiveb", 5), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_not(sgx_is_outside_enclave(seen.pointer[i], 1));
    cr_assert_eq(harness.live_mallocs, 0);
    cr_assert(reads_are_single());
}

Test(execute_deep_ecall, in_leaves_the_hosts_memory_alone)
{
    struct buffer *b = host_buffer(), before = *b;

    on_deep = fill_deep;
    SUCCEEDS(e_deep(1, &result, b));
    cr_assert_eq(memcmp(b, &before, sizeof before), 0);
    cr_assert_eq(b->items[0], 10);
    cr_assert_eq(memcmp(b->blob, "fiveb", 5), 0);
}

Test(execute_deep_ecall, in_out_brings_both_back_and_keeps_the_hosts_pointers)
{
    struct buffer *b = host_buffer(), before = *b;

    on_deep = fill_deep;
    SUCCEEDS(e_deep_inout(1, &result, b));
    cr_assert(is_filled(b->items, 12));
    cr_assert(is_filled(b->blob, 5));
    cr_assert_eq(b->items, before.items);
    cr_assert_eq(b->blob, before.blob);
    cr_assert_eq(((char *)b->blob)[5], 0);
    cr_assert_eq(harness.live_mallocs, 0);
    cr_assert(reads_are_single());
}

Test(execute_deep_ecall, arrays_of_structures_are_copied_one_by_one)
{
    struct buffer *b = host_alloc(2 * sizeof *b);

    b[0] = *host_buffer();
    b[1] = *host_buffer();
    b[1].n = 2;
    on_deep = fill_deep;
    SUCCEEDS(e_deep_count(1, &result, b, 2));
    cr_assert(is_filled(b[0].items, 12));
    cr_assert(is_filled(b[1].items, 8));
    cr_assert_eq(b[1].items[2], 30);
    SUCCEEDS(e_deep_size(1, &result, b, 2 * sizeof *b));
    cr_assert_eq(harness.live_mallocs, 0);
}

Test(execute_deep_ecall, arrays_with_a_dimension_and_constant_counts)
{
    struct fixed *b = host_alloc(2 * sizeof *b);

    b[0].four = host_alloc(10);
    b[1].four = host_alloc(10);
    SUCCEEDS(e_deep_array(1, &result, b));
    for (int i = 0; i < 2; i++) {
        cr_assert(is_filled(b[i].four, 8));
        cr_assert_eq(b[i].four[4], 0);
        cr_assert_eq(b[i].tag, 1);
    }
}

Test(execute_deep_ecall, null_and_empty_members_are_null_inside_and_unchanged_outside)
{
    struct buffer *b = host_buffer(), before;

    b->items = NULL;
    b->bytes = 0;
    before = *b;
    SUCCEEDS(e_deep_inout(1, &result, b));
    cr_assert_null(seen.pointer[0]);
    cr_assert_null(seen.pointer[1]);
    cr_assert_eq(memcmp(b, &before, sizeof before), 0);
}

Test(execute_deep_ecall, user_check_follows_nothing)
{
    SUCCEEDS(e_deep_user_check(1, &result, enclave_address()));
    cr_assert_eq(seen.pointer[0], enclave_address());
}

/* ------------------------------------------------------------------ lies */

Test(execute_deep_ecall, inner_pointer_into_the_enclave_is_refused)
{
    struct buffer *b = host_buffer();

    b->blob = enclave_address();
    REFUSED(e_deep(1, &result, b));
    REFUSED(e_deep_inout(1, &result, b));
    b->blob = host_just_below(4);
    REFUSED(e_deep(1, &result, b));
    b->blob = (void *)(UINTPTR_MAX - 2);
    REFUSED(e_deep(1, &result, b));
    assert_nothing_happened();
}

Test(execute_deep_ecall, inner_size_that_overflows_is_refused)
{
    struct buffer *b = host_buffer();

    b->n = ((size_t)1 << 62) + 1;
    REFUSED(e_deep(1, &result, b));
    b->n = SIZE_MAX;
    REFUSED(e_deep(1, &result, b));
    assert_nothing_happened();
}

Test(execute_deep_ecall, outer_structure_inside_or_cut_is_refused)
{
    REFUSED(e_deep(1, &result, enclave_address()));
    REFUSED(e_deep_size(1, &result, host_buffer(), sizeof(struct buffer) + 8));
    REFUSED(e_deep_count(1, &result, host_buffer(), SIZE_MAX / 2));
    REFUSED(e_deep_array(1, &result, enclave_address()));
    assert_nothing_happened();
}

Test(execute_deep_ecall, second_structure_that_lies_undoes_the_first)
{
    struct buffer *b = host_alloc(2 * sizeof *b);

    b[0] = *host_buffer();
    b[1] = *host_buffer();
    b[1].items = enclave_address();
    REFUSED(e_deep_count(1, &result, b, 2));
    assert_nothing_happened();
}

Test(execute_deep_ecall, memory_that_runs_out_anywhere_leaves_nothing)
{
    struct buffer *b = host_buffer();

    for (size_t nth = 1; nth <= 4; nth++) { /* structure, list, items, blob */
        harness.fail_malloc = nth;
        COMES_TO(SGX_ERROR_OUT_OF_MEMORY, e_deep_inout(1, &result, b));
        assert_nothing_happened();
    }
    harness.fail_malloc = 5;
    SUCCEEDS(e_deep_inout(1, &result, b));
}

static struct buffer *victim;

/* After the structure was read: longer, and elsewhere. */
static void change_victim(size_t nth, const struct access *access)
{
    (void)nth;
    if (access->at != (uintptr_t)victim)
        return;
    victim->n = 1000000;
    victim->bytes = 4000000;
    victim->items = enclave_address();
    victim->blob = enclave_address();
}

Test(execute_deep_ecall, structure_changed_after_it_was_read_makes_no_difference)
{
    int *items;
    void *blob;

    victim = host_buffer();
    items = victim->items;
    blob = victim->blob;
    on_deep = fill_deep;
    harness.meddle = change_victim;
    SUCCEEDS(e_deep_inout(1, &result, victim));
    cr_assert_eq(seen.value[0], 3);
    cr_assert(is_filled(items, 12));
    cr_assert(is_filled(blob, 5));
    cr_assert_eq(items[3], 0);
    cr_assert(reads_are_single());
}

/* The function itself may change its copy: what goes back is bounded by what came. */
static void grow_copy(struct buffer *b)
{
    b->n = 1000000;
    b->bytes = 1;
    b->items = NULL;
    b->blob = (void *)b;
}

Test(execute_deep_ecall, function_that_changes_sizes_and_pointers_cannot_move_the_copy_back)
{
    struct buffer *b = host_buffer(), before = *b;

    on_deep = grow_copy;
    SUCCEEDS(e_deep_inout(1, &result, b));
    cr_assert_eq(b->items, before.items);
    cr_assert_eq(b->blob, before.blob);
    cr_assert_eq(b->items[2], 30);
    cr_assert_eq(memcmp(b->blob, "fiveb", 5), 0);
    cr_assert_eq(b->n, 1000000); /* plain members are the function's to change */
    cr_assert_eq(harness.live_mallocs, 0);
}
