/* A client of one Azure Key Vault: signs in, reads a secret, lists all.
 *
 *   struct vault *vault = vault_new (&place, &around);
 *   vault_begin (vault, 40000);             // ms for what follows
 *   if (vault_get (vault, "name", NULL, &secret, &err) == 1) ...
 *   if (vault_list (vault, &rows, &err) == -1) ...
 *
 * It blocks, and is one thread's at a time.  The first call is made without a
 * token: the vault then says where to get one and for what ("challenge"), and
 * nothing more is sent to it if that does not fit its address, as the official
 * libraries have it. [Key Vault REST API 7.4; "Authentication, requests and
 * responses"; @azure/keyvault-common: challenge resource verification]
 *
 * Errors: ERR_AUTH, who asks or who answers is not known; ERR_DENIED, one right
 * is missing; ERR_UNREACHABLE, the vault's firewall is in between; ERR_REFUSED,
 * this secret is disabled; ERR_THROTTLED, ERR_TRANSIENT, ERR_TIMEOUT;
 * ERR_PROTOCOL or ERR_INPUT, no Key Vault answers there. */

#ifndef BOOTMEND_VAULT_H
#define BOOTMEND_VAULT_H

#include <base/clock.h>
#include <base/json.h>
#include <base/secret.h>
#include <net/fetch.h>
#include <providers/credentials.h>

#include "vault-place.h"

/* What a caller may list and read: role and access policy. */
#define VAULT_RIGHTS                                                           \
  "the role \"Key Vault Secrets User\" on the vault, or an access policy "     \
  "with the secret permissions get and list"

struct vault_around {
  struct transport *transport; /* NULL: libcurl; borrowed */
  const struct clock *clock;
  const char *ca_file; /* for libcurl; NULL: none; borrowed */
  /* Credentials for the vault's audience; tenant NULL: not known. */
  struct credentials *(*authenticate) (void *opaque, const char *tenant,
                                       struct err **err);
  void *opaque;
};

struct vault;

struct vault_secret {
  char *name;
  struct secret *value;
  char *content_type; /* "" */
  json_t *tags;       /* an object; NULL: none */
};

/* Takes the content of `place` over. */
struct vault *vault_new (struct vault_place *place,
                         const struct vault_around *around);
void vault_free (struct vault *vault);

/* Calls up to the next vault_begin end within this time. */
void vault_begin (struct vault *vault, int64_t ms);

/* Finds out whether the vault can be spoken to at all. */
int vault_sign_in (struct vault *vault, struct err **err) ATTR_USE;

/* 1: *ret is filled in; 0: there is none of that name; -1. */
int vault_get (struct vault *vault, const char *name, const char *version,
               struct vault_secret *ret, struct err **err) ATTR_USE;
void vault_secret_release (struct vault_secret *secret);
#define CLEANUP_VAULT_SECRET CLEANUP (vault_secret_release)

/* What there is: an array of {name, content_type, enabled, tags}, without
 * values, borrowed.  It is read once, in pages; what an error left out is read
 * by the next call.  *ret is set in any case. */
int vault_list (struct vault *vault, const json_t **ret,
                struct err **err) ATTR_USE;

/* What has been read of it so far, without a call; and whether that is all. */
const json_t *vault_rows (const struct vault *vault);
bool vault_is_listed (const struct vault *vault);

/* In vault-refusal.c: the error of a reply that is no success; `what`: "read
 * the secret x".  Returns 0 for "there is no such secret", else -1. */
int vault_refusal (const char *host, const char *what,
                   const struct http_reply *reply, struct err **err) ATTR_USE;

#endif
