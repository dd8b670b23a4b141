/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "arch/sigstruct.h"

/* Set when OpenSSL wants a passphrase: a build must not wait for one. */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(int *)asked = 1;
    return -1;
}

static int check_key(const char *path, EVP_PKEY *key, struct failure *failure)
{
    BIGNUM *e = NULL;
    int e_is_3;

    if (!EVP_PKEY_is_a(key, "RSA"))
        return fail(failure, "%s: is not an RSA key; SGX signs with RSA, 3072 bits, exponent 3",
                    path);
    if (EVP_PKEY_get_bits(key) != SGX_KEY_SIZE * 8)
        return fail(failure, "%s: is an RSA key of %d bits; SGX takes %u", path,
                    EVP_PKEY_get_bits(key), SGX_KEY_SIZE * 8);
    e_is_3 = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
             BN_is_word(e, SGX_SIG_EXPONENT);
    BN_free(e);
    if (!e_is_3)
        return fail(failure,
                    "%s: has another public exponent than 3; make a key with 'openssl genrsa -3 "
                    "3072'",
                    path);
    return 0;
}

int key_load(const char *path, EVP_PKEY **ret_key, struct failure *failure)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key;
    int asked = 0;

    if (!file)
        return fail(failure, "%s: the key cannot be read: %s", path, strerror(errno));
    key = PEM_read_PrivateKey(file, NULL, refuse_passphrase, &asked);
    fclose(file);
    ERR_clear_error();
    if (!key && asked)
        return fail(failure, "%s: the key is protected by a passphrase; ap-sign takes a plain one",
                    path);
    if (!key)
        return fail(failure, "%s: holds no PEM private key", path);
    if (check_key(path, key, failure) < 0) {
        EVP_PKEY_free(key);
        return -1;
    }
    *ret_key = key;
    return 0;
}
