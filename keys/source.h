/* Within keys/: what a kind of source is. */

#ifndef BOOTMEND_KEY_SOURCE_H
#define BOOTMEND_KEY_SOURCE_H

#include <base/json.h>
#include <base/secret.h>

#include "keys.h"

#define KEY_MAX_BYTES (8 << 20)

struct key_source {
  const struct key_source_kind *kind;
  char *word;             /* as the operator gave it */
  char *place;            /* without the prefix */
  const json_t *settings; /* as for key_sources_new; during open only */
  void *data;             /* the kind's own */
  struct err *broken;     /* it could not be opened */
};

/* What is looked for: one volume of one VM. */
struct key_query {
  const json_t *volume;
  const char *vm_id, *vm_name; /* NULL: not known */
  char *computer;              /* that Windows wrote; NULL: none */
};

/* What was found so far. */
struct key_answer {
  json_t *keys, *notes;
  bool named; /* one for a protector of this very volume */
};

struct key_source_kind {
  const char *prefix; /* "csv:" */
  int (*open) (struct key_source *source, struct err **err);
  int (*find) (const struct key_source *source, const struct key_query *query,
               struct key_answer *answer, struct err **err);
  void (*close) (struct key_source *source);
  /* Can it be asked?  Takes some seconds; NULL: that shows by itself. */
  int (*check) (const struct key_source *source, struct err **err);
};

extern const struct key_source_kind key_csv, key_command, key_folder, key_file,
    key_env, key_ldap, key_ldaps, key_ldapi, key_vault, key_vault_url;

/* Adds a key; `protector` NULL: not known whose it is.  `where` completes the
 * source's word for people ("line 7"), or NULL. */
void key_answer_add (struct key_answer *answer, const struct key_source *source,
                     const char *where, const char *protector, const void *key,
                     size_t len);

/* The same for a key by its content, which the source knows nothing about: a
 * startup key says whose it is, and is left out if that is another volume's;
 * anything else is tried. */
void key_answer_add_any (struct key_answer *answer,
                         const struct key_source *source, const char *where,
                         const struct key_query *query, const void *key,
                         size_t len);

/* Is this GUID one of the volume's protectors? */
bool key_query_has (const struct key_query *query, const char *guid);

/* "localhost", 127.0.0.0/8 or ::1: what is sent there goes over no network. */
bool key_host_is_loopback (const char *host);

#endif
