/* Every call that the AWS provider can send, as one table: what rows build
 * requests from, what `bootmend policy aws` prints, and what a test compares
 * with the requests that the rows really build.
 *
 * Names are those of the EC2, STS, Auto Scaling and KMS models of botocore. */

#ifndef BOOTMEND_AWS_ACTIONS_H
#define BOOTMEND_AWS_ACTIONS_H

#include <stdbool.h>

enum aws_action {
  AWS_GET_CALLER_IDENTITY,
  AWS_DESCRIBE_INSTANCES,
  AWS_DESCRIBE_INSTANCE_STATUS,
  AWS_DESCRIBE_INSTANCE_ATTRIBUTE,
  AWS_DESCRIBE_INSTANCE_TYPES,
  AWS_DESCRIBE_INSTANCE_CREDITS,
  AWS_DESCRIBE_VOLUMES,
  AWS_DESCRIBE_MODIFICATIONS,
  AWS_DESCRIBE_SNAPSHOTS,
  AWS_DESCRIBE_TAGS,
  AWS_DESCRIBE_REPLACE_ROOT_TASKS,
  AWS_DESCRIBE_ASG_INSTANCES,
  AWS_DESCRIBE_ASG_GROUPS,
  AWS_KMS_DESCRIBE_KEY,
  AWS_KMS_CREATE_GRANT,
  AWS_STOP_INSTANCES,
  AWS_START_INSTANCES,
  AWS_DETACH_VOLUME,
  AWS_ATTACH_VOLUME,
  AWS_MODIFY_INSTANCE_ATTRIBUTE,
  AWS_CREATE_TAGS,
  AWS_DELETE_TAGS,
  AWS_CREATE_SNAPSHOT,
  AWS_DELETE_SNAPSHOT,
  AWS_CREATE_VOLUME,
  AWS_DELETE_VOLUME,
  AWS_CREATE_REPLACE_ROOT_TASK,
  AWS_ASG_ENTER_STANDBY,
  AWS_ASG_EXIT_STANDBY,
  AWS_GET_CONSOLE_OUTPUT,
  AWS_GET_CONSOLE_SCREENSHOT,
  AWS_ACTION_COUNT
};

/* When an action is needed; aws_policy () makes statements of them. */
enum aws_use {
  USE_FREE = 0,       /* needs no permission */
  USE_LOOK = 1,       /* always */
  USE_REPAIR = 2,     /* every strategy that changes something */
  USE_COPY = 4,       /* a snapshot is made first, or a copy is repaired */
  USE_SWAP = 8,       /* strategies swap and restore */
  USE_EVIDENCE = 16,  /* console output and screenshots */
  USE_KMS = 32,       /* encrypted volumes: is their key usable? */
  USE_KMS_GRANT = 64, /* ... by --aws-kms-check grant */
  USE_LIVE = 128,     /* swap and restore with --copy-running */
  USE_GROUP = 256     /* with --allow auto-scaling */
};

struct aws_action_row {
  const char *service, *name;
  unsigned use;
  bool changes; /* has an effect */
};

extern const struct aws_action_row aws_actions[AWS_ACTION_COUNT];

#endif
