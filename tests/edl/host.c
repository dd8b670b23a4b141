/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - the ocalls of every.edl; see every.h */
#include <errno.h>
#include <string.h>

#include "every.h"
#include "every_u.h"
#include "harness.h"

#define ANSWER 42

void *pointer_result;
int errno_result;
void (*on_nothing)(void);

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

void o_nothing(void)
{
    seen.calls++;
    if (on_nothing)
        on_nothing();
}

int o_values(char a, enum colour b, union number c, struct padded d, record_t e, double f)
{
    seen.calls++;
    see_value(a);
    see_value(b);
    see_value((long)c.raw[1]);
    see_value(d.l);
    see_value(e.value);
    see_value((long)(f * 4));
    return ANSWER;
}

void *o_pointer_result(void *p)
{
    seen.pointer[0] = p;
    return pointer_result;
}

const char *o_text_result(int which)
{
    see_value(which);
    return pointer_result;
}

struct padded o_struct_result(long l)
{
    return (struct padded){.c = 'p', .l = l};
}

int o_in(const int *p)
{
    return look(p, sizeof *p);
}

int o_out(int *p)
{
    return change(p, sizeof *p);
}

int o_inout(int *p)
{
    return change(p, sizeof *p);
}

int o_user_check(void *p)
{
    seen.pointer[0] = p;
    return ANSWER;
}

int o_in_size(const void *p, size_t n)
{
    return look(p, n);
}

int o_out_size(void *p, size_t n)
{
    return change(p, n);
}

int o_inout_count(long *p, int n)
{
    return change(p, (size_t)n * sizeof *p);
}

int o_size_count(void *p, size_t s, size_t n)
{
    return change(p, s * n);
}

int o_two(const void *a, void *b, size_t n)
{
    look(a, n);
    return change(b, n);
}

size_t o_string(const char *s)
{
    look(s, s ? strlen(s) + 1 : 0);
    return s ? strlen(s) : 0;
}

/* A host that leaves no terminator. */
size_t o_inout_string(char *s)
{
    size_t size = s ? strlen(s) + 1 : 0;

    look(s, size);
    if (s)
        memset(s, 'x', size);
    return size;
}

size_t o_wstring(const wchar_t *s)
{
    look(s, s ? (wcslen(s) + 1) * sizeof *s : 0);
    return s ? wcslen(s) : 0;
}

size_t o_inout_wstring(wchar_t *s)
{
    size_t size = s ? wcslen(s) + 1 : 0;

    look(s, size * sizeof *s);
    for (size_t i = 0; i < size; i++)
        s[i] = L'y';
    return size;
}

int o_array(int a[4])
{
    return change(a, 4 * sizeof *a);
}

int o_matrix(int a[2][3])
{
    return change(a, 6 * sizeof **a);
}

int o_user_check_matrix(int a[2][3])
{
    seen.pointer[0] = a;
    return ANSWER;
}

int o_isptr(int_pointer_t p, size_t n)
{
    return change(p, n * sizeof *p);
}

int o_isptr_readonly(bytes_t p, size_t n)
{
    return look(p, n);
}

int o_isary(quartet_t a)
{
    return change(a, sizeof(quartet_t));
}

int o_isary_user_check(quartet_t a)
{
    seen.pointer[0] = a;
    return ANSWER;
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

int o_deep(const struct buffer *b)
{
    struct buffer copy = *b;

    return deep(&copy, 1);
}

int o_deep_inout(struct buffer *b)
{
    return deep(b, 1);
}

int o_deep_count(struct buffer *b, size_t n)
{
    return deep(b, n);
}

int o_deep_matrix(struct fixed b[2][2])
{
    seen.calls++;
    for (int i = 0; i < 4; i++) {
        struct fixed *f = &b[i / 2][i % 2];

        see(f->four, 8);
        fill(f->four, 8);
        f->tag++;
    }
    return ANSWER;
}

int o_errno(int e)
{
    errno = errno_result ? errno_result : e;
    return ANSWER;
}

void o_errno_only(void)
{
    errno = ENOTTY;
}

int o_switchless(const char *s)
{
    errno = 0;
    return look(s, strlen(s) + 1);
}

void run_inside(void (*f)(void))
{
    harness.inside = f;
    e_run(1, NULL, 0);
    harness.inside = NULL;
}

void shared_ocall(struct shared *s)
{
    seen.calls++;
    see_value((long)s->n);
}
