/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNTOOL_KEY_H
#define SIGNTOOL_KEY_H

#include <openssl/evp.h>

#include "say.h"

/*
 * key_load() - the author's signing key: PEM, RSA, 3072 bits, public exponent 3, private part
 *
 * 0, or -1 with the sentence. Release with EVP_PKEY_free().
 */
int key_load(const char *path, EVP_PKEY **ret_key, struct failure *failure);

#endif
