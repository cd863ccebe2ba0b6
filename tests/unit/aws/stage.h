/* A machine in a few lines: variables, files, a cloud, a clock; for tests of
 * the search for credentials. */

#ifndef BOOTMEND_TEST_STAGE_H
#define BOOTMEND_TEST_STAGE_H

#include <aws-credentials/credentials.h>
#include <fake-cloud/fake-cloud.h>

#define STAGE_WALL_MS INT64_C (1750000000000) /* 2025-06-15T15:06:40Z */

struct stage {
  struct fake_clock clock;
  struct fake_cloud *cloud;
  struct transport *transport;
  struct aws_surroundings around;
  struct binding binding;
  char folder[40];
  char *variables[32]; /* "NAME=value" */
  size_t nvariables;

  /* Instead of the cloud: what any reply is. */
  int status;
  const char *body;
  const char *date; /* a header of every reply; NULL: none */
  /* What arrived. */
  unsigned calls;
  char *last_url, *last_body, *last_authorization;
};

/* The variables name files in a folder of its own; "default" and "dev" there
 * are AKIADEFAULT... and AKIADEV...; keys of environment and others as wanted.
 * No metadata service answers unless imds. */
void stage_init (struct stage *s);
void stage_release (struct stage *s);

void stage_set (struct stage *s, const char *name, const char *value);
/* A file in the folder; @ in the text becomes the folder. */
void stage_file (struct stage *s, const char *name, const char *text);
char *stage_path (const struct stage *s, const char *name);
void stage_config (struct stage *s, const char *key, const char *value);
void stage_control (struct stage *s, const char *op);

/* "KEYID|source", or "!code: message". */
char *stage_find (struct stage *s);
struct credentials *stage_keys (struct stage *s, struct err **err);

/* Is it in the text (NULL: no)?  Says so if not. */
bool stage_has (const char *text, const char *part);

#endif
