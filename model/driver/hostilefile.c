/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where rules come from: the file that APERTURE_HOSTILE names, and SGX2_MODEL_RULES.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/hostile.h"

bool hostile_choose(struct rules *ret)
{
    const char *path = getenv("APERTURE_HOSTILE");

    memset(ret, 0, sizeof *ret);
    return !path || !*path || rules_load(path, ret);
}

/* ------------------------------------------------------------------ ioctls */

static int set(struct enclave *e, struct sgx2_rules *arg, char *text)
{
    struct rules_error error;
    struct rules rules;

    if (user_read(text, arg->text, arg->size) < 0)
        return -EFAULT;
    if (rules_parse(text, arg->size, &rules, &error) == 0) {
        rules_set(&e->file->rules, &rules);
        return 0;
    }
    arg->line = error.line;
    arg->column = error.column;
    _Static_assert(sizeof arg->message == sizeof error.text, "the ABI's room for a message");
    memcpy(arg->message, error.text, sizeof arg->message);
    return -EINVAL;
}

int hostile_ioctl_rules(struct enclave *e, void *argument)
{
    const uint64_t at = (uint64_t)(uintptr_t)argument;
    struct sgx2_rules arg;
    char *text;
    int r;

    if (user_read(&arg, at, sizeof arg) < 0)
        return -EFAULT;
    arg.line = arg.column = 0;
    memset(arg.message, 0, sizeof arg.message);
    if (arg.size > RULES_TEXT) {
        arg.line = arg.column = 1;
        snprintf(arg.message, sizeof arg.message, "more than %u bytes", RULES_TEXT);
        r = -EINVAL;
    } else {
        text = malloc(arg.size + 1);
        r = text ? set(e, &arg, text) : -ENOMEM;
        free(text);
    }
    return user_write(at, &arg, sizeof arg) < 0 ? -EFAULT : r;
}

int hostile_ioctl_struck(struct enclave *e, void *argument)
{
    const uint64_t at = (uint64_t)(uintptr_t)argument;
    const struct rules *rules = &e->file->rules;
    struct sgx2_struck arg;

    if (user_read(&arg, at, sizeof arg) < 0)
        return -EFAULT;
    for (uint32_t i = 0; arg.line && i < rules->used; i++) {
        if (rules->rule[i].line != arg.line)
            continue;
        arg.seen = rules->rule[i].seen;
        arg.struck = rules->rule[i].struck;
        return user_write(at, &arg, sizeof arg) < 0 ? -EFAULT : 0;
    }
    return -EINVAL;
}
