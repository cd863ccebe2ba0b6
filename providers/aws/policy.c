#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "actions.h"
#include "endpoint.h"
#include "record.h"

struct strategy_use {
  const char *name;
  unsigned use;
};

static const struct strategy_use strategies[] = {
    {"plan", USE_LOOK},
    {"move", USE_LOOK | USE_REPAIR},
    {"swap", USE_LOOK | USE_REPAIR | USE_COPY | USE_SWAP},
    {"restore", USE_LOOK | USE_REPAIR | USE_COPY | USE_SWAP},
};

/* Of each action that changes something: on what, and under which condition. */
enum guard {
  ON_INSTANCES, /* the instance alone */
  ON_BOTH,      /* instances and volumes */
  ON_CREATED,   /* only what carries our tag */
  ON_NEW,       /* creates something */
  ON_MARKS,     /* our tags on instances */
  ON_KEPT,      /* our tags on disks that wait for their release */
  ON_NEW_TAGS,  /* any tags, on what is just being created */
  GUARDS
};

static const struct {
  enum aws_action action;
  enum guard guard;
  unsigned use; /* 0: as the action's own */
} guards[] = {
    {AWS_STOP_INSTANCES, ON_INSTANCES, 0},
    {AWS_START_INSTANCES, ON_INSTANCES, 0},
    /* Of a block device: whether IAM looks at the volume, too, is (unverified);
     * a denial that names it would confirm it. */
    {AWS_MODIFY_INSTANCE_ATTRIBUTE, ON_BOTH, 0},
    {AWS_CREATE_REPLACE_ROOT_TASK, ON_BOTH, 0},
    {AWS_ATTACH_VOLUME, ON_BOTH, 0},
    {AWS_DETACH_VOLUME, ON_BOTH, 0},
    {AWS_CREATE_SNAPSHOT, ON_NEW, 0},
    {AWS_CREATE_VOLUME, ON_NEW, 0},
    {AWS_DELETE_SNAPSHOT, ON_CREATED, 0},
    {AWS_DELETE_VOLUME, ON_CREATED, 0},
    {AWS_CREATE_TAGS, ON_MARKS, 0},
    {AWS_DELETE_TAGS, ON_MARKS, 0},
    {AWS_CREATE_TAGS, ON_KEPT, USE_SWAP},
    {AWS_DELETE_TAGS, ON_KEPT, USE_SWAP},
    {AWS_CREATE_TAGS, ON_NEW_TAGS, USE_COPY},
};

static char *
name_of (enum aws_action action)
{
  return xasprintf ("%s:%s", aws_actions[action].service,
                    aws_actions[action].name);
}

static int
compare (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static json_t *
sorted (struct str_vec *names)
{
  json_t *list = json_array ();

  if (names->len)
    qsort (names->ptr, names->len, sizeof *names->ptr, compare);
  for (size_t i = 0; i < names->len; i++)
    json_array_append_new (list, json_string (names->ptr[i]));
  str_vec_free_all (names);
  return list;
}

/* "arn:aws:ec2:REGION:ACCOUNT:KIND/" and a star. */
static void
add_resource (json_t *list, const json_t *options, const char *kind)
{
  const char *account = json_str (options, "account", "*");
  CLEANUP_FREE char *arn =
      xasprintf ("arn:%s:ec2:%s:%s:%s/*",
                 aws_partition (json_str (options, "region", "")),
                 json_str (options, "region", "*"),
                 /* snapshots have no account in their ARN */
                 strcmp (kind, "snapshot") == 0 ? "" : account, kind);

  json_array_append_new (list, json_string (arn));
}

static json_t *
resources (enum guard guard, const json_t *options)
{
  static const char *const kinds[] = {"instance", "volume", "snapshot"};
  static const unsigned sets[] =
      {[ON_INSTANCES] = 1,   [ON_BOTH] = 1 | 2, [ON_CREATED] = 2 | 4,
       [ON_NEW] = 2 | 4,     [ON_MARKS] = 1,    [ON_KEPT] = 2,
       [ON_NEW_TAGS] = 2 | 4};
  json_t *list = json_array ();

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    if (sets[guard] & 1U << i)
      add_resource (list, options, kinds[i]);
  return list;
}

/* The task of a swap is a resource of its own. */
static void
add_task (json_t *list, const json_t *options, unsigned use)
{
  if (use & USE_LIVE)
    add_resource (list, options, "replace-root-volume-task");
}

static json_t *
condition (enum guard guard)
{
  switch (guard) {
  case ON_CREATED:
    return json_make ("{s:{s:s}}", "StringLike",
                      "ec2:ResourceTag/" TAG_CAMPAIGN, "*");
  case ON_MARKS:
  case ON_KEPT:
    return json_make ("{s:{s:s}}", "ForAllValues:StringLike", "aws:TagKeys",
                      "bootmend:*");
  case ON_NEW_TAGS:
    return json_make ("{s:{s:[s,s]}}", "StringEquals", "ec2:CreateAction",
                      "CreateSnapshot", "CreateVolume");
  default:
    return NULL;
  }
}

static void
add_statement (json_t *statements, const char *sid, json_t *actions,
               json_t *where, json_t *when)
{
  CLEANUP_JSON json_t *statement =
      json_make ("{s:s,s:s}", "Sid", sid, "Effect", "Allow");

  json_put (statement, "Action", actions);
  json_put (statement, "Resource", where);
  if (when)
    json_put (statement, "Condition", when);
  if (json_array_size (actions))
    json_array_append (statements, statement);
}

static void
add_reads (json_t *statements, unsigned use)
{
  struct str_vec names = VEC_EMPTY;

  for (size_t i = 0; i < AWS_ACTION_COUNT; i++)
    if (!aws_actions[i].changes &&
        strcmp (aws_actions[i].service, "kms") != 0 &&
        (aws_actions[i].use & use))
      str_vec_push (&names, name_of ((enum aws_action)i));
  add_statement (statements, "Look", sorted (&names), json_make ("[s]", "*"),
                 NULL);
}

/* Groups go by names that nobody can tell in advance. */
static void
add_groups (json_t *statements, unsigned use)
{
  if (use & USE_GROUP)
    add_statement (statements, "Groups",
                   json_make ("[s,s]", "autoscaling:EnterStandby",
                              "autoscaling:ExitStandby"),
                   json_make ("[s]", "*"), NULL);
}

static void
add_changes (json_t *statements, const json_t *options, unsigned use)
{
  static const char *const sids[] = {"Instances", "Disks", "CleanUp", "Copies",
                                     "Marks",     "Kept",  "NewTags"};

  for (enum guard guard = ON_INSTANCES; guard < GUARDS; guard++) {
    struct str_vec names = VEC_EMPTY;
    json_t *where;

    for (size_t i = 0; i < ARRAY_SIZE (guards); i++)
      if (guards[i].guard == guard &&
          (use &
           (guards[i].use ? guards[i].use : aws_actions[guards[i].action].use)))
        str_vec_push (&names, name_of (guards[i].action));
    where = resources (guard, options);
    if (guard == ON_BOTH)
      add_task (where, options, use);
    add_statement (statements, sids[guard], sorted (&names), where,
                   condition (guard));
  }
}

/* What EC2 does with the key in the caller's name when an instance with an
 * encrypted volume starts, and our own look at the key before.
 * [aws-solutions/instance-scheduler-on-aws#9] */
static void
add_keys (json_t *statements, const json_t *options, unsigned use)
{
  CLEANUP_FREE char *keys =
      xasprintf ("arn:%s:kms:%s:%s:key/*",
                 aws_partition (json_str (options, "region", "")),
                 json_str (options, "region", "*"),
                 json_str (options, "account", "*"));

  if (!(use & USE_KMS))
    return;
  add_statement (statements, "Keys",
                 json_make ("[s,s,s,s]", "kms:Decrypt", "kms:DescribeKey",
                            "kms:GenerateDataKeyWithoutPlaintext",
                            "kms:ReEncrypt*"),
                 json_make ("[s]", keys), NULL);
  add_statement (statements, "KeyGrants", json_make ("[s]", "kms:CreateGrant"),
                 json_make ("[s]", keys),
                 use & USE_KMS_GRANT
                     ? NULL
                     : json_make ("{s:{s:s}}", "Bool",
                                  "kms:GrantIsForAWSResource", "true"));
}

json_t *
aws_policy (const json_t *options, struct err **err)
{
  const char *name = json_str (options, "strategy", "move");
  const struct strategy_use *strategy = NULL;
  const char *check = json_str (options, "kms-check", "key");
  json_t *statements;
  unsigned use;

  for (size_t i = 0; i < ARRAY_SIZE (strategies); i++)
    if (strcmp (strategies[i].name, name) == 0)
      strategy = &strategies[i];
  if (strategy == NULL) {
    err_set (err, ERR_USAGE,
             "policy: strategy '%s' is none of move, swap, "
             "restore, plan",
             name);
    return NULL;
  }
  use = strategy->use;
  if ((use & USE_REPAIR) && json_bool (options, "snapshot", true))
    use |= USE_COPY;
  if ((use & USE_REPAIR) && json_bool (options, "auto_scaling", false))
    use |= USE_GROUP;
  if ((use & USE_SWAP) && json_bool (options, "copy_running", false))
    use |= USE_LIVE;
  if (json_bool (options, "evidence", true))
    use |= USE_EVIDENCE;
  if (json_bool (options, "keys", true))
    use |= strcmp (check, "grant") == 0 ? USE_KMS | USE_KMS_GRANT : USE_KMS;
  statements = json_array ();
  add_reads (statements, use);
  add_changes (statements, options, use);
  add_keys (statements, options, use);
  add_groups (statements, use);
  return json_make ("{s:s,s:o}", "Version", "2012-10-17", "Statement",
                    statements);
}
