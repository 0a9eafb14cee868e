import ij.ImagePlus;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.measure.Measurements;
import ij.process.ByteProcessor;
import java.nio.charset.StandardCharsets;

/**
 * Times "move a vertex, select the polygon, measure it" inside one warm ImageJ process.
 *
 * <p>Usage: java -cp ij.jar ImageJBench.java WIDTH HEIGHT REPEATS WARM_UP KIND, with the vertices
 * (x and y in turn, separated by white space) on standard input; KIND is polygon or freehand.
 * Prints the nanoseconds of each repeat, one a line, and first the sum of all pixel counts.
 */
public final class ImageJBench {

  private static final int MEASUREMENTS =
      Measurements.MEAN
          | Measurements.STD_DEV
          | Measurements.MIN_MAX
          | Measurements.MODE
          | Measurements.MEDIAN
          | Measurements.SKEWNESS
          | Measurements.KURTOSIS;

  private static final int STEPS = 20;

  private ImageJBench() {}

  public static void main(String[] arguments) throws Exception {
    int width = Integer.parseInt(arguments[0]);
    int height = Integer.parseInt(arguments[1]);
    long[] elapsed = new long[Integer.parseInt(arguments[2])];
    int warmUp = Integer.parseInt(arguments[3]);
    int type = arguments[4].equals("freehand") ? Roi.FREEROI : Roi.POLYGON;
    String input = new String(System.in.readAllBytes(), StandardCharsets.US_ASCII);
    String[] numbers = input.trim().split("\\s+");
    float[] x = new float[numbers.length / 2];
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.parseFloat(numbers[2 * i]);
      y[i] = Float.parseFloat(numbers[2 * i + 1]);
    }
    ImagePlus image = makeImage(width, height);
    float first = y[0];
    long pixels = 0; // using the sum keeps the compiler from dropping the work
    for (int i = -warmUp; i < elapsed.length; i++) {
      long start = System.nanoTime();
      y[0] = first + (i + warmUp) % STEPS;
      image.setRoi(new PolygonRoi(x, y, x.length, type));
      pixels += image.getStatistics(MEASUREMENTS).longPixelCount;
      if (i >= 0) {
        elapsed[i] = System.nanoTime() - start;
      }
    }
    StringBuilder out = new StringBuilder().append(pixels).append('\n');
    for (long nanoseconds : elapsed) {
      out.append(nanoseconds).append('\n');
    }
    System.out.print(out);
    System.exit(0); // ImageJ may leave AWT threads running
  }

  private static ImagePlus makeImage(int width, int height) {
    ByteProcessor pixels = new ByteProcessor(width, height);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        pixels.set(x, y, (7 * x + 13 * y + (x * y) % 17) % 256);
      }
    }
    return new ImagePlus("benchmark", pixels);
  }
}
