#include "evidence.h"

#include <ctype.h>
#include <string.h>

#include <base/files.h>

#include "job.h"
#include "policy.h"

char *
evidence_folder (const struct job *job, struct err **err)
{
  CLEANUP_FREE char *path = NULL;

  if (job->policy->evidence == NULL)
    return NULL;
  path = xasprintf ("%s/%lld", job->policy->evidence, (long long)job->id);
  if (folder_make (path, 0700, err) == -1)
    return NULL;
  return TAKE (path);
}

int
evidence_save (struct job *job, const char *name, const void *data, size_t len,
               struct err **err)
{
  CLEANUP_ERR struct err *failed = NULL;
  CLEANUP_FREE char *folder = evidence_folder (job, &failed);
  CLEANUP_FREE char *path = NULL;

  if (folder == NULL)
    return failed ? err_move (err, TAKE (failed)) : 0;
  path = path_join (folder, name);
  return file_write_atomic (path, data, len, 0600, err);
}

static int
base64_digit (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

unsigned char *
base64_decode (const char *text, size_t *len)
{
  CLEANUP_FREE unsigned char *out = xmalloc (strlen (text) / 4 * 3 + 3);
  unsigned bits = 0;
  int have = 0;

  *len = 0;
  for (; *text && *text != '='; text++) {
    int digit = base64_digit (*text);

    if (isspace ((unsigned char)*text))
      continue;
    if (digit < 0)
      return NULL;
    bits = bits << 6 | (unsigned)digit;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out[(*len)++] = (unsigned char)(bits >> have);
    }
  }
  return TAKE (out);
}

int
evidence_save_base64 (struct job *job, const char *name, const char *base64,
                      struct err **err)
{
  size_t len;
  CLEANUP_FREE unsigned char *data = base64_decode (base64, &len);

  if (data == NULL)
    return err_set (err, ERR_INTERNAL, "%s: the reply is no base64", name);
  return evidence_save (job, name, data, len, err);
}
