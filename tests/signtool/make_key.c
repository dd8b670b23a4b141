/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_key.c - make_key KIND FILE: the keys that the tests sign with, and those that are refused
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static EVP_PKEY *rsa(int bits, unsigned long exponent)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    BN_set_word(e, exponent);
    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e);
    EVP_PKEY_generate(ctx, &key);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *make(const char *kind)
{
    if (strcmp(kind, "short") == 0)
        return rsa(2048, 3);
    if (strcmp(kind, "exponent") == 0)
        return rsa(3072, 65537);
    if (strcmp(kind, "ec") == 0)
        return EVP_EC_gen("P-256");
    return rsa(3072, 3);
}

int main(int argc, char **argv)
{
    EVP_PKEY *key = argc == 3 ? make(argv[1]) : NULL;
    FILE *file = key ? fopen(argv[2], "w") : NULL;
    int ok;

    if (!file)
        return EXIT_FAILURE;
    if (strcmp(argv[1], "public") == 0)
        ok = PEM_write_PUBKEY(file, key);
    else if (strcmp(argv[1], "locked") == 0)
        ok = PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "word", 4, NULL, NULL);
    else
        ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    ok = fclose(file) == 0 && ok == 1;
    EVP_PKEY_free(key);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
