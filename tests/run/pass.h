/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.h - descriptors over a Unix socket. Usable in a forked child, which a failure ends.
 */
#ifndef TESTS_RUN_PASS_H
#define TESTS_RUN_PASS_H

/* The socket pair, before fork. */
void pass_open(void);

void pass_send(int fd);
int pass_receive(void);

#endif
