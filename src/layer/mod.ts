/**
 * One layer's way into the store: read, verify, decompress, unpack, index. README.md in this folder says how.
 *
 * @module
 */

export { ImageCount, type IngestOptions, LayerPipeline, type PipelineOptions } from "./pipeline.ts";
export {
  type BlobSource,
  bytesToRead,
  type LayerDescription,
  type LayerProgress,
  type LayerResult,
  type LayerSource,
  type LayerTarget,
  type SplitSource,
} from "./types.ts";
