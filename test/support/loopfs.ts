/**
 * Fresh filesystems on loop devices: the conformance suite has them.
 *
 * @module
 */

export * from "../../src/strategy/conformance/loopfs.ts";
