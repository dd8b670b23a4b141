/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform.h - the secrets of the machine that the model plays, and the file that keeps them
 *
 * APERTURE_PLATFORM says whose they are. They are fixed for an enclave when its device is opened;
 * with another value, what one enclave has sealed no other can unseal, and a report of one does not
 * verify in the other, as on two machines.
 *
 *   unset or empty   Constants, known to everybody and worth nothing: a machine that is the same
 * for every process of every user, and never restarts.
 *
 *   FILE             The machine that the file describes. It is read at each open of the device. It
 *                    may be readable by others: to share it is one of its uses. A relative name is
 *                    taken from the working directory at that time.
 *
 *   random           A new machine for this process and all that descend from it, by fork or by
 *                    executing another program. Before main() runs the value becomes random:SEED,
 *                    64 hexadecimal digits, which is how those that are executed come to know. If
 *                    the program itself sets the variable later, the machine is new at its first
 *                    open of the device and known to those that it forks afterwards.
 *
 *   random:SEED      The machine of that seed.
 *
 * The file is text. A line is empty, a comment that begins with #, or NAME = DIGITS, with an even
 * number of hexadecimal digits, the first byte first:
 *
 *   FUSES         16 bytes  what the processor was made with; keys are derived under it
 *   OWNEREPOCH    16 bytes  IA32_SGXOWNEREPOCH0 and 1: a change ends all keys but PROVISION and
 *                           PROVISION_SEAL, as when a machine changes hands
 *   CPUSVN        16 bytes  the security version: a request may name this one or any older
 *   REPORT_KEYID  32 bytes  optional. CR_REPORT_KEYID, the KEYID in reports. Without it, it is
 *                           random for each process and its forked children, as at each boot
 *
 * IA32_SGXLEPUBKEYHASH is not in it: Linux writes it before each EINIT.
 */
#ifndef MODEL_DRIVER_PLATFORM_H
#define MODEL_DRIVER_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

/* What is wrong with a file. */
struct platform_error {
    size_t line; /* from 1; 0: the file as a whole */
    char text[128];
};

/* Larger files are refused unread. */
#define PLATFORM_FILE_MAX 65536u

/* Room for platform_write(). */
#define PLATFORM_TEXT_MAX 1024u

/* ---------------------------------------------------------------- platform.c */

/*
 * What APERTURE_PLATFORM says. le_pubkey_hash is zero.
 *
 * 0, or -EINVAL, with a message on standard error and *ret_platform unchanged: the file is not
 * there, not a regular file, not readable, too large or not well-formed; the seed is none; or
 * libcrypto has no random numbers.
 */
int platform_choose(struct platform *ret_platform);

/* ---------------------------------------------------------------- platform_text.c */

/*
 * The content of a file. True: *ret_platform is what it says, with le_pubkey_hash zero, and
 * *ret_has_key_id whether REPORT_KEYID was there; without it, that field is zero. False:
 * *ret_error says what and where, and nothing else was written.
 */
bool platform_parse(const char *text, size_t size, struct platform *ret_platform,
                    bool *ret_has_key_id, struct platform_error *ret_error);

/* A file that platform_parse() reads back, without REPORT_KEYID. NUL-terminated. */
void platform_write(const struct platform *platform, char ret_text[static PLATFORM_TEXT_MAX]);

/* Two digits a byte into size bytes. False, and nothing is written, if text is not just those. */
bool platform_hex(const char *text, size_t length, uint8_t *ret_bytes, size_t size);

/* ---------------------------------------------------------------- platform_random.c */

#define PLATFORM_SEED_SIZE 32u

/* The machine of a seed, CPUSVN as in the default. False if libcrypto fails. */
bool platform_of_seed(const uint8_t seed[static PLATFORM_SEED_SIZE], struct platform *ret_platform);

/* A machine from libcrypto's random numbers. False if it has none. */
bool platform_random(struct platform *ret_platform);

/* The security version of a machine that nobody chose: one update old. */
void platform_default_svn(uint8_t ret_cpu_svn[static 16]);

#endif
