/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROGRAM [SUITE/NAME ...] - every test but those named, each in a child of its own
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct static_test *first, **last = &first;

void static_test_add(struct static_test *test)
{
    *last = test;
    last = &test->next;
}

void static_test_fail(const char *file, int line, const char *expression, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: not so: %s:", file, line, expression);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(1);
}

static const struct static_test *suite_of(const struct static_test *test)
{
    for (const struct static_test *t = first; t; t = t->next)
        if (!t->name && strcmp(t->suite, test->suite) == 0)
            return t;
    return test;
}

static void run(const struct static_test *test)
{
    const struct static_test *suite = suite_of(test);

    if (suite->init)
        suite->init();
    test->body();
    if (suite->fini)
        suite->fini();
    fflush(NULL);
    _exit(0);
}

static bool passes(const struct static_test *test)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        run(test);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        return false;
    }
    if (test->signal ? WIFSIGNALED(status) && WTERMSIG(status) == test->signal
                     : WIFEXITED(status) && WEXITSTATUS(status) == test->exit_code)
        return true;
    fprintf(stderr, "FAIL %s/%s: status %#x\n", test->suite, test->name, (unsigned)status);
    return false;
}

static bool is_left_out(const struct static_test *test, char **names)
{
    char name[256];

    snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

int main(int argc, char **argv)
{
    unsigned count = 0, failed = 0;

    (void)argc;
    for (const struct static_test *t = first; t; t = t->next) {
        if (!t->name || is_left_out(t, argv + 1))
            continue;
        count++;
        failed += !passes(t);
    }
    printf("%u tests, %u failed\n", count, failed);
    return failed || !count;
}
