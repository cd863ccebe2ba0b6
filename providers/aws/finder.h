/* What the files of the search share; nobody else includes this.
 *
 * A source answers 0 with *ret set (found), 0 with *ret NULL (not this one;
 * said with finder_tried), or -1: it is meant and does not work, which ends the
 * search as it does in botocore. */

#ifndef BOOTMEND_AWS_FINDER_H
#define BOOTMEND_AWS_FINDER_H

#include <base/json.h>
#include <base/random.h>
#include <base/strbuf.h>
#include <net/fetch.h>

#include "profile.h"

struct finder {
  const struct aws_surroundings *around;
  const struct binding *binding;
  struct aws_profiles profiles;
  char *profile;       /* the one in use */
  bool profile_chosen; /* by the binding or AWS_PROFILE: must exist */
  bool profile_named;  /* by the binding: the environment has no say */
  struct transport *transport, *own_transport;
  struct random_source random;
  struct strbuf tried;     /* "environment (AWS_ACCESS_KEY_ID not set), " */
  struct str_vec warnings; /* what the operator should hear once */
  struct str_vec visited;  /* profiles of a role's chain */
  struct secret *imds_token;
  int64_t skew_ms; /* of the last service that answered */
};

int finder_init (struct finder *f, const struct aws_surroundings *around,
                 const struct binding *b, struct err **err) ATTR_USE;
void finder_release (struct finder *f);
#define CLEANUP_FINDER CLEANUP (finder_release)

const char *finder_variable (const struct finder *f, const char *name);
void finder_tried (struct finder *f, const char *source, const char *fmt, ...)
    ATTR_PRINTF (3, 4);
/* A number of seconds or attempts from a variable, else the profile's key, else
 * the default; -1 and an error for what is none within 1 to max. */
int finder_number (const struct finder *f, const char *variable,
                   const char *key, int64_t max, int64_t otherwise,
                   int64_t *ret, struct err **err) ATTR_USE;

/* fetch over the transport of the search, which is made when it is needed. */
int finder_fetch (struct finder *f, const struct http_request *req,
                  const struct credentials *signer,
                  const struct fetch_options *options, struct fetched *got,
                  struct err **err) ATTR_USE;

/* Checks keys for what none can hold (a blank is a comment or two lines in
 * one), and makes the object.  `source` goes into messages. */
struct credentials *aws_keys (const char *id, const char *secret,
                              const char *token, const char *source,
                              struct err **err) ATTR_USE;

/* Expiration as given by a service, put into this machine's time: an RFC 3339
 * text. */
int aws_set_expiry (const struct finder *f, struct credentials *keys,
                    const char *text, struct err **err) ATTR_USE;

/* {AccessKeyId, SecretAccessKey, TOKEN_NAME, Expiration} in a reply, file or
 * output; what is required is an error (ERR_INPUT) if missing. */
enum json_keys_need {
  NEED_TOKEN = 1,
  NEED_EXPIRATION = 2
};
struct credentials *aws_keys_from_json (const struct finder *f,
                                        const json_t *json,
                                        const char *token_name, unsigned need,
                                        const char *source,
                                        struct err **err) ATTR_USE;

/* A word from a service or a program, to be quoted in a message: one line, not
 * long, without what looks like a secret and without these keys. */
char *aws_quote (const char *text, const struct credentials *keys);

int source_environment (struct finder *f, const char *profile,
                        struct credentials **ret, struct err **err) ATTR_USE;
int source_role (struct finder *f, const char *profile,
                 struct credentials **ret, struct err **err) ATTR_USE;
/* With variables, and by the profile alone. */
int source_web_identity (struct finder *f, const char *profile,
                         struct credentials **ret, struct err **err) ATTR_USE;
int source_web_identity_of_profile (struct finder *f, const char *profile,
                                    struct credentials **ret,
                                    struct err **err) ATTR_USE;
int source_sso (struct finder *f, const char *profile, struct credentials **ret,
                struct err **err) ATTR_USE;
int source_credentials_file (struct finder *f, const char *profile,
                             struct credentials **ret,
                             struct err **err) ATTR_USE;
int source_process (struct finder *f, const char *profile,
                    struct credentials **ret, struct err **err) ATTR_USE;
int source_config_file (struct finder *f, const char *profile,
                        struct credentials **ret, struct err **err) ATTR_USE;
int source_container (struct finder *f, const char *profile,
                      struct credentials **ret, struct err **err) ATTR_USE;
int source_imds (struct finder *f, const char *profile,
                 struct credentials **ret, struct err **err) ATTR_USE;

/* What a profile by itself has to offer, without environment and machine: for
 * source_profile. */
int finder_profile_chain (struct finder *f, const char *profile,
                          struct credentials **ret, struct err **err) ATTR_USE;

/* Without metadata service; NULL and no error: not set anywhere. */
int finder_region (const struct finder *f, char **ret,
                   struct err **err) ATTR_USE;

#endif
