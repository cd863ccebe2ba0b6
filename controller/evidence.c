#include "evidence.h"

#include <string.h>

#include <base/files.h>
#include <base/text.h>

#include "job.h"
#include "policy.h"

char *
evidence_folder (const struct job *job, struct err **err)
{
  CLEANUP_FREE char *path = NULL;
  int64_t tries = json_int (job->facts, "tries", 0);

  if (job->policy->evidence == NULL)
    return NULL;
  path = tries
             ? xasprintf ("%s/%lld.%lld", job->policy->evidence,
                          (long long)job->id, (long long)tries + 1)
             : xasprintf ("%s/%lld", job->policy->evidence, (long long)job->id);
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

int
evidence_save_base64 (struct job *job, const char *name, const char *base64,
                      struct err **err)
{
  CLEANUP_FREE unsigned char *data = NULL;
  size_t len;

  if (base64_decode (base64, &data, &len) == -1)
    return err_set (err, ERR_INTERNAL, "%s: the reply is no base64", name);
  return evidence_save (job, name, data, len, err);
}
