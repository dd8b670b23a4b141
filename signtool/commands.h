/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - what ap-sign does, one function per sub-command
 *
 * Each returns an exit status: 0, or 1 after saying on stderr what was refused.
 */
#ifndef SIGNTOOL_COMMANDS_H
#define SIGNTOOL_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

struct sign_options {
    const char *enclave; /* in: what the linker made */
    const char *config;
    const char *key;
    const char *output;
    const char *sgxs; /* the measurement's records, or NULL */
    uint32_t date;    /* 0: choose one */
    bool quiet;
    bool allow_illegal;
};

int command_sign(const struct sign_options *options);
int command_dump(const char *path);

#endif
