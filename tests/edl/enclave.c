/* SPDX-License-Identifier: Apache-2.0 */
/* enclave.c - the ecalls of every.edl; see every.h */
#include <stdlib.h>
#include <string.h>

#include "every.h"
#include "every_t.h"
#include "harness.h"

#define ANSWER 42

struct seen seen;
void (*on_deep)(struct buffer *b);

void see(const void *pointer, size_t size)
{
    if (seen.count == SEES_MAX)
        abort();
    seen.pointer[seen.count] = pointer;
    seen.size[seen.count] = size;
    if (pointer && size)
        memcpy(seen.bytes[seen.count], pointer, size < SEEN_MAX ? size : SEEN_MAX);
    seen.count++;
}

void see_value(long value)
{
    seen.value[seen.values++] = value;
}

void fill(void *pointer, size_t size)
{
    for (size_t i = 0; pointer && i < size; i++)
        ((unsigned char *)pointer)[i] = (unsigned char)(0x11 + i);
}

bool is_filled(const void *pointer, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (((const unsigned char *)pointer)[i] != (unsigned char)(0x11 + i))
            return false;
    }
    return true;
}

void forget_seen(void)
{
    seen = (struct seen){0};
}

static int change(void *pointer, size_t size)
{
    seen.calls++;
    see(pointer, size);
    fill(pointer, size);
    return ANSWER;
}

static int look(const void *pointer, size_t size)
{
    seen.calls++;
    see(pointer, size);
    return ANSWER;
}

void e_nothing(void)
{
    seen.calls++;
}

int e_values(char a, unsigned short b, long long c, float d, double e, wchar_t f, enum colour g,
             union number h, record_t i, uint64_t j)
{
    seen.calls++;
    see_value(a);
    see_value(b);
    see_value(c);
    see_value((long)(d * 4));
    see_value((long)(e * 4));
    see_value(f);
    see_value(g);
    see_value((long)h.raw[1]);
    see_value(i.value);
    see_value((long)j);
    return ANSWER;
}

struct padded e_struct(struct padded p, long double ld)
{
    seen.calls++;
    p.l += (long)ld;
    return p;
}

const char *e_pointer_result(const char *p)
{
    return p;
}

int e_in(int *p)
{
    return change(p, sizeof *p);
}

int e_out(int *p)
{
    return change(p, sizeof *p);
}

int e_inout(int *p)
{
    return change(p, sizeof *p);
}

size_t e_user_check(void *p)
{
    seen.calls++;
    seen.pointer[0] = p;
    return (size_t)p;
}

int e_in_size(const void *p, size_t n)
{
    return look(p, n);
}

int e_out_size(void *p, size_t n)
{
    return change(p, n);
}

int e_inout_size(void *p, size_t n)
{
    return change(p, n);
}

int e_in_count(const int *p, int n)
{
    return look(p, (size_t)n * sizeof *p);
}

int e_out_count(long *p, uint8_t n)
{
    return change(p, n * sizeof *p);
}

int e_size_count(char *p, uint32_t s, uint64_t n)
{
    return change(p, s * n);
}

int e_constant_size(int *p)
{
    return change(p, 12);
}

int e_constant_count(uint16_t *p)
{
    return change(p, 6);
}

int e_odd_size(int *p, size_t n)
{
    return look(p, n);
}

int e_length_t(const void *p, length_t n)
{
    return look(p, n);
}

int e_enum_count(const char *p, magnitude_t n)
{
    return look(p, (size_t)n);
}

int e_two(const void *a, void *b, size_t n)
{
    look(a, n);
    return change(b, n);
}

size_t e_string(const char *s)
{
    look(s, s ? strlen(s) + 1 : 0);
    return s ? strlen(s) : 0;
}

/* Writes over its terminator, too. */
size_t e_inout_string(char *s)
{
    size_t size = s ? strlen(s) + 1 : 0;

    look(s, size);
    if (size > 4)
        memcpy(s, "ok", 3);
    else if (s)
        memset(s, 'x', size);
    return size;
}

size_t e_wstring(const wchar_t *s)
{
    look(s, s ? (wcslen(s) + 1) * sizeof *s : 0);
    return s ? wcslen(s) : 0;
}

size_t e_inout_wstring(wchar_t *s)
{
    size_t size = s ? wcslen(s) + 1 : 0;

    look(s, size * sizeof *s);
    for (size_t i = 0; i < size; i++)
        s[i] = L'y';
    return size;
}

int e_string_len(char *s, size_t s_len)
{
    see_value((long)s_len);
    return look(s, strlen(s) + 1);
}

int e_array(int a[4])
{
    return change(a, 4 * sizeof *a);
}

int e_matrix(int a[2][3])
{
    return change(a, 6 * sizeof **a);
}

int e_record_array(record_t a[2])
{
    see_value(a[1].value);
    return look(a, 2 * sizeof *a);
}

int e_user_check_matrix(int a[2][3])
{
    seen.pointer[0] = a;
    return ANSWER;
}

int e_isptr(int_pointer_t p, size_t n)
{
    return look(p, n * sizeof *p);
}

int e_isptr_out(int_pointer_t p)
{
    return change(p, sizeof *p);
}

int e_isptr_readonly(bytes_t p, size_t n)
{
    return look(p, n);
}

int e_isary(quartet_t a)
{
    return change(a, sizeof(quartet_t));
}

int e_isary_matrix(matrix_t a)
{
    see_value(a ? a[1][2] : -1);
    return look(a, sizeof(matrix_t));
}

int e_isary_user_check(quartet_t a)
{
    seen.pointer[0] = a;
    return ANSWER;
}

int e_pointers(int **p)
{
    return look(p, 2 * sizeof *p);
}

int e_struct_pointer(struct padded *p)
{
    p->l++;
    return look(p, sizeof *p);
}

static int deep(struct buffer *b, size_t count)
{
    seen.calls++;
    for (size_t i = 0; b && i < count; i++) {
        see_value((long)b[i].n);
        see_value((long)b[i].bytes);
        if (i == 0) {
            see(b[i].items, b[i].n * sizeof(int));
            see(b[i].blob, b[i].bytes);
        }
        if (on_deep)
            on_deep(&b[i]);
    }
    return ANSWER;
}

int e_deep(struct buffer *b)
{
    return deep(b, 1);
}

int e_deep_inout(struct buffer *b)
{
    return deep(b, 1);
}

int e_deep_count(struct buffer *b, size_t n)
{
    return deep(b, n);
}

int e_deep_size(struct buffer *b, size_t n)
{
    return deep(b, n / sizeof *b);
}

int e_deep_array(struct fixed b[2])
{
    seen.calls++;
    for (int i = 0; i < 2; i++) {
        see(b[i].four, 8);
        fill(b[i].four, 8);
        b[i].tag++;
    }
    return ANSWER;
}

int e_deep_user_check(struct buffer *b)
{
    seen.pointer[0] = b;
    return ANSWER;
}

int e_switchless(int a)
{
    return a + 1;
}

int e_private(const char *s)
{
    return look(s, strlen(s) + 1);
}

int e_run(int what)
{
    harness.inside();
    return what;
}

void leave_enclave(void)
{
    o_nothing();
}

void shared_ecall(struct shared *s)
{
    s->n++;
}
