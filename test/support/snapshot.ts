/**
 * A directory tree on disk as text: the conformance suite has it, for strategies; tests use it for everything else.
 *
 * @module
 */

export * from "../../src/strategy/conformance/snapshot.ts";
